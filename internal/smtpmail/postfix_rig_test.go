package smtpmail_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/smtpmail"
)

// postfix is an instance of Debian's Postfix, with its own configuration, queue
// and ports in a directory of its own. Nothing that it takes can leave this
// machine.
type postfix struct {
	dir  string
	port int
}

// services are those of Postfix that a relay needs, without chroot.
const services = `
127.0.0.1:%d inet n - n - - smtpd
pickup   unix n - n 60  1 pickup
cleanup  unix n - n -   0 cleanup
qmgr     unix n - n 300 1 qmgr
tlsmgr   unix - - n -   1 tlsmgr
rewrite  unix - - n -   - trivial-rewrite
bounce   unix - - n -   0 bounce
defer    unix - - n -   0 bounce
trace    unix - - n -   0 bounce
proxymap unix - - n -   - proxymap
smtp     unix - - n -   - smtp
error    unix - - n -   - error
retry    unix - - n -   - error
discard  unix - - n -   - discard
anvil    unix - - n -   1 anvil
scache   unix - - n -   1 scache
postlog  unix-dgram n - n - 1 postlogd
`

const settings = `
compatibility_level = 3.6
config_directory = %[1]s/etc
queue_directory = %[1]s/spool
data_directory = %[1]s/data
maillog_file = %[1]s/log/mail
maillog_file_prefixes = %[1]s/log
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = relay.test
mydestination = people.test
local_recipient_maps = inline:{ann=x}
alias_maps =
local_transport = discard
default_transport = discard
relay_transport = discard
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_client_event_limit_exceptions =
`

// secured are the settings of one that offers STARTTLS; see trust.
const secured = `
smtpd_tls_chain_files = $config_directory/../tls/chain.pem
smtpd_tls_security_level = may
smtpd_tls_received_header = yes`

// startPostfix starts one that lives as long as the test. More settings override
// the ones above.
func startPostfix(t *testing.T, more ...string) *postfix {
	t.Helper()
	p := preparePostfix(t, more...)
	p.start(t)
	return p
}

// preparePostfix is startPostfix without the start.
func preparePostfix(t *testing.T, more ...string) *postfix {
	t.Helper()
	needPostfix(t)
	dir, err := os.MkdirTemp("", "postfix")
	if err != nil {
		t.Fatal(err)
	}
	p := &postfix{dir: dir, port: freePort(t)}
	t.Cleanup(func() { _ = asRoot("rm", "-rf", dir).Run() })
	p.write(t, "etc/main.cf", fmt.Sprintf(settings, dir)+strings.Join(more, "\n")+"\n")
	p.write(t, "etc/master.cf", fmt.Sprintf(services, p.port))
	p.write(t, "etc/dynamicmaps.cf", "")
	p.run(t, "mkdir", "-p", dir+"/spool", dir+"/data", dir+"/log")
	p.run(t, "chmod", "755", dir, dir+"/etc") // Postfix runs as a user of its own
	p.run(t, "chown", "-R", "root:root", dir+"/etc", dir+"/spool")
	p.run(t, "chown", "postfix", dir+"/data")
	t.Cleanup(func() {
		// A server whose log has got stuck cannot be asked to stop.
		if asRoot("timeout", "20", "postfix", "-c", dir+"/etc", "abort").Run() != nil {
			_ = asRoot("sh", "-c", "kill -9 $(cat "+dir+"/spool/pid/master.pid)").Run()
		}
	})
	return p
}

// needPostfix skips the test where there is none; where CI is set, there must be.
func needPostfix(t *testing.T) {
	t.Helper()
	missing := t.Skip
	if os.Getenv("CI") != "" {
		missing = t.Fatal
	}
	if _, err := os.Stat("/usr/sbin/postfix"); err != nil {
		missing("Postfix is not installed: make deps does it")
	}
	if err := asRoot("true").Run(); err != nil {
		missing("Postfix must be started by root, or by sudo without a password")
	}
}

func (p *postfix) start(t *testing.T) { t.Helper(); p.run(t, "postfix", "-c", p.dir+"/etc", "start") }

// abort ends it at once, whatever is going on.
func (p *postfix) abort(t *testing.T) { t.Helper(); p.run(t, "postfix", "-c", p.dir+"/etc", "abort") }

func (p *postfix) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p *postfix) run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := asRoot(args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", strings.Join(args, " "), err, out, p.log())
	}
}

// asRoot is a command that root runs: Postfix changes users as it works.
func asRoot(args ...string) *exec.Cmd {
	if os.Getuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

func (p *postfix) log() string {
	out, _ := asRoot("cat", p.dir+"/log/mail").Output()
	return string(out)
}

// logs waits until the log has a text n times.
func (p *postfix) logs(t *testing.T, text string, n int) {
	t.Helper()
	late, look := time.After(20*time.Second), time.Tick(20*time.Millisecond)
	for strings.Count(p.log(), text) < n {
		select {
		case <-look:
		case <-late:
			t.Fatalf("the log does not have %q %d times:\n%s", text, n, p.log())
		}
	}
}

// provider is one without TLS for this relay.
func (p *postfix) provider(t *testing.T) *smtpmail.Provider {
	t.Helper()
	return provider(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p.port})
}

// trust is the side of a client that trusts the relay's certificate.
func (p *postfix) trust(t *testing.T) *tls.Config {
	t.Helper()
	server, client := certificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(server.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]})
	text = append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), text...)
	p.write(t, "tls/chain.pem", string(text))
	return client
}

// route is a row of transport_maps: the mail server behind this relay, for everybody at a domain.
func route(domain string, r *relay) string {
	return fmt.Sprintf("{%s=smtp:[127.0.0.1]:%d}", domain, r.listener.Addr().(*net.TCPAddr).Port)
}

// policy is a server that Postfix asks about every command of a kind
// (http://www.postfix.org/SMTPD_POLICY_README.html). It returns its name in the
// configuration.
func policy(t *testing.T, decide func(attributes map[string]string) (action string)) string {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerPolicy(c, decide)
		}
	}()
	return "check_policy_service inet:" + l.Addr().String()
}

func answerPolicy(c net.Conn, decide func(map[string]string) string) {
	defer func() { _ = c.Close() }()
	attributes := map[string]string{}
	for lines := bufio.NewScanner(c); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok {
			attributes[name] = value
			continue
		}
		if _, err := fmt.Fprintf(c, "action=%s\n\n", decide(attributes)); err != nil {
			return
		}
		attributes = map[string]string{}
	}
}

// freePort is one below those that the kernel gives to outgoing connections, so
// that none of these takes it before Postfix does.
func freePort(t *testing.T) int {
	t.Helper()
	for {
		port := 15000 + rand.IntN(17000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
}
