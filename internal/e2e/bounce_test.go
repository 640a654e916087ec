package e2e_test

import (
	"fmt"
	"net"
	"net/textproto"
	"reflect"
	"strings"
	"testing"
	"time"
)

// bounce is a report of a relay that it could not deliver.
func bounce(status string) string {
	return "From: MAILER-DAEMON@relay.test\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nSorry.\n" +
		"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.test\n\n" +
		"Final-Recipient: rfc822; somebody@mail.example\nAction: failed\nStatus: " + status + "\n--b--\n"
}

// returnMail brings a bounce to a worker, as a relay does, and says what the
// worker answered to its address, or to all of it.
func returnMail(t *testing.T, worker, to, text string) (code int) {
	t.Helper()
	c := callOn(t, worker)
	defer func() { _ = c.Close() }()
	for _, line := range []string{"", "EHLO relay.test", "MAIL FROM:<>", "RCPT TO:<" + to + ">", "DATA"} {
		if line != "" {
			_ = c.PrintfLine("%s", line)
		}
		if code, _, err := c.ReadResponse(0); code > 399 || code == 0 {
			if code == 0 {
				t.Fatal(err)
			}
			return code
		}
	}
	w := c.DotWriter()
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	code, _, err := c.ReadResponse(0)
	if code == 0 {
		t.Fatal(err)
	}
	return code
}

// callOn connects to a worker.
func callOn(t *testing.T, worker string) *textproto.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", worker)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return textproto.NewConn(conn)
}

// TestAMailThatBouncesIsToldAsUndeliveredOnce: any worker takes the bounce of any
// other's mail, and none believes what it did not write itself.
func TestAMailThatBouncesIsToldAsUndeliveredOnce(t *testing.T) {
	t.Parallel()
	relay, mails := startPostbox(t)
	r := newRig(t)
	s := settings{Mail: relay, SMTP: `bounce_domain = "bounce.otpipe.test"`}
	one, other := port(t), port(t)
	s.Worker = fmt.Sprintf("bounces = %q", one)
	first := r.startWorker(s)
	s.Worker = fmt.Sprintf("bounces = %q", other)
	second := r.startWorker(s)
	a := r.startAPI(s)
	to := r.mailbox()
	v := a.start(t, "load", to)
	mail := <-mails
	eventually(t, 10*time.Second, "the mail is sent", func() bool { return a.get(t, v.ID).Delivery.Status == "sent" })
	before := a.get(t, v.ID)

	forged := strings.Replace(mail.from, ".1.1.", ".1.2.", 1)
	for _, address := range []string{forged, strings.Replace(mail.from, "bounce.otpipe.test", "otpipe.test", 1), to} {
		if code := returnMail(t, one, address, bounce("5.1.1")); code != 550 {
			t.Errorf("%s: %d", address, code)
		}
	}
	for _, text := range []string{"Subject: Re: Your code\n\nThank you!\n", "\x00\xff", strings.Replace(bounce("4.4.1"), "failed", "delayed", 1)} {
		if code := returnMail(t, one, mail.from, text); code != 250 {
			t.Errorf("%q: %d", text, code)
		}
	}
	if after := a.get(t, v.ID); !reflect.DeepEqual(before, after) {
		t.Fatalf("%+v became %+v", before, after)
	}

	if code := returnMail(t, one, mail.from, bounce("5.1.1")); code != 250 {
		t.Fatalf("the bounce: %d", code)
	}
	told := a.get(t, v.ID)
	n := len(told.Timeline)
	if n != len(before.Timeline)+2 || told.Delivery.Status != "undelivered" {
		t.Fatalf("%+v", told)
	}
	if s := told.Timeline[n-2]; s.State != "undelivered" || s.Reason != "dsn_5.1.1" || s.Provider != "smtp" || s.Ref != "5558DA1" || s.Attempt != 1 {
		t.Errorf("%+v", s)
	}
	if s := told.Timeline[n-1]; s.State != "suppressed" {
		t.Errorf("%+v", s)
	}
	for _, worker := range []string{one, other} {
		for _, status := range []string{"5.1.1", "4.4.7"} {
			if code := returnMail(t, worker, mail.from, bounce(status)); code != 250 {
				t.Errorf("again: %d", code)
			}
		}
	}
	if again := a.get(t, v.ID); !reflect.DeepEqual(told, again) {
		t.Errorf("%+v became %+v", told, again)
	}
	if next := a.start(t, "load", to); a.get(t, next.ID).Delivery.Status != "suppressed" {
		t.Errorf("the next mail to a mailbox that is not there: %+v", a.get(t, next.ID))
	}
	for worker, want := range map[*process][]string{
		first:  {`{outcome="moved"} 1`, `{outcome="stale"} 2`, `{outcome="refused"} 3`, `{outcome="ignored"} 1`, `{outcome="unreadable"} 2`, `{outcome="deferred"} 0`},
		second: {`{outcome="moved"} 0`, `{outcome="stale"} 2`},
	} {
		_, metrics := worker.fetch("/metrics")
		for _, line := range want {
			if !strings.Contains(metrics, "otpipe_bounces_total"+line) {
				t.Errorf("no %s", line)
			}
		}
		if worker.said(to) || worker.said("bounce+") {
			t.Error("a worker's log has an address")
		}
	}
}

// TestABounceWaitsForTheStore: the relay keeps what a worker does not take.
func TestABounceWaitsForTheStore(t *testing.T) {
	t.Parallel()
	relay, mails := startPostbox(t)
	r := newRig(t, "--appendonly", "yes", "--appendfsync", "always")
	at := port(t)
	s := settings{Mail: relay, SMTP: `bounce_domain = "bounce.otpipe.test"`, Worker: fmt.Sprintf("bounces = %q", at)}
	worker := r.startWorker(s)
	a := r.startAPI(s)
	v := a.start(t, "load", r.mailbox())
	mail := <-mails
	eventually(t, 10*time.Second, "the mail is sent", func() bool { return a.get(t, v.ID).Delivery.Status == "sent" })
	r.redis.Kill()
	if code := returnMail(t, at, mail.from, bounce("5.2.2")); code != 451 {
		t.Errorf("without a store: %d", code)
	}
	r.redis.Restart(t)
	eventually(t, 20*time.Second, "the bounce is taken", func() bool { return returnMail(t, at, mail.from, bounce("5.2.2")) == 250 })
	eventually(t, 10*time.Second, "the api is back", func() bool { return a.do("GET", "/v1/verifications/"+v.ID, nil).status == 200 })
	if told := a.get(t, v.ID); told.Delivery.Status != "undelivered" || told.count("undelivered") != 1 {
		t.Errorf("%+v", told)
	}

	idle := callOn(t, at)
	defer func() { _ = idle.Close() }()
	if code, _, _ := idle.ReadResponse(220); code != 220 {
		t.Errorf("greeting: %d", code)
	}
	worker.terminate()
	if code, _, _ := idle.ReadResponse(0); code != 421 {
		t.Errorf("good-bye: %d", code)
	}
	if code := worker.exit(t, 20*time.Second); code != 0 {
		t.Errorf("the worker ended with %d", code)
	}
}
