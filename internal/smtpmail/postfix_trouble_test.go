package smtpmail_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAGreylistedMailboxIsTriedAgainAndReached(t *testing.T) {
	t.Parallel()
	next, wait := behind(t)
	var asked atomic.Int64
	grey := policy(t, func(attributes map[string]string) string {
		if attributes["recipient"] == "ann@next.test" && asked.Add(1) == 1 {
			return "DEFER_IF_PERMIT Greylisted"
		}
		return "DUNNO"
	})
	server := startPostfix(t, "smtpd_recipient_restrictions = "+grey+", permit_mynetworks, reject",
		"transport_maps = inline:{"+route("next.test", next)+"}")
	p := server.provider(t)
	_, err := p.Send(t.Context(), messageTo("ann@next.test"))
	if diff := cmp.Diff(deferred("smtp_450_4.7.1"), verdictOf(t, err)); diff != "" {
		t.Errorf("%s\n%v", diff, errors.Unwrap(err))
	}
	mustSend(t, p, messageTo("ben@next.test")) // others need not wait
	mustSend(t, p, messageTo("ann@next.test"))
	if to := []string{wait().to, wait().to}; !cmp.Equal(to, []string{"ben@next.test", "ann@next.test"}) && !cmp.Equal(to, []string{"ann@next.test", "ben@next.test"}) {
		t.Errorf("got %v", to)
	}
}

func TestAConnectionMoreThanPostfixAllowsHoldsNothingElseUp(t *testing.T) {
	t.Parallel()
	server := startPostfix(t, "smtpd_client_connection_count_limit = 1")
	first, second := server.provider(t), server.provider(t)
	mustSend(t, first, messageTo("ann@people.test"))
	_, err := second.Send(t.Context(), messageTo("ann@people.test"))
	if diff := cmp.Diff(deferred("smtp_421_4.7.0"), verdictOf(t, err)); diff != "" {
		t.Errorf("%s\n%v", diff, errors.Unwrap(err))
	}
	mustSend(t, first, messageTo("ann@people.test"))
}

func TestARelayThatWantsLessMailIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := startPostfix(t, "smtpd_client_message_rate_limit = 1").provider(t)
	mustSend(t, p, messageTo("ann@people.test"))
	_, err := p.Send(t.Context(), messageTo("ann@people.test"))
	if diff := cmp.Diff(slower("smtp_450_4.7.1"), verdictOf(t, err)); diff != "" {
		t.Errorf("%s\n%v", diff, errors.Unwrap(err))
	}
}

func TestAConnectionThatPostfixHungUpIsReplacedAndNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	next, wait := behind(t)
	server := startPostfix(t, "smtpd_timeout = 1s", "transport_maps = inline:{"+route("next.test", next)+"}")
	p := server.provider(t)
	for i := range 3 {
		mustSend(t, p, messageTo(fmt.Sprintf("ann-%d@next.test", i)))
		server.logs(t, "timeout after END-OF-MESSAGE", i+1)
	}
	once := map[string]int{}
	for range 3 {
		once[wait().to]++
	}
	if diff := cmp.Diff(map[string]int{"ann-0@next.test": 1, "ann-1@next.test": 1, "ann-2@next.test": 1}, once); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(server.log(), ": removed"); n > 3 {
		t.Errorf("%d messages were queued, want 3", n)
	}
}

func TestPostfixThatStopsBetweenMessagesIsMissedOnlyWhileItIsAway(t *testing.T) {
	t.Parallel()
	server := startPostfix(t)
	p := server.provider(t)
	mustSend(t, p, messageTo("ann@people.test"))
	server.abort(t)
	_, err := p.Send(t.Context(), messageTo("ann@people.test"))
	if diff := cmp.Diff(theirs("smtp_connection"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
	server.start(t)
	mustSend(t, p, messageTo("ann@people.test"))
}

// The end mark is where the doubt begins: before it a relay may not deliver.
func TestPostfixThatStopsInTheMiddleOfAMessageIsInDoubtOnlyAtItsEnd(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]verdict{
		"smtpd_recipient_restrictions":   theirs("smtp_connection"),
		"smtpd_data_restrictions":        theirs("smtp_connection"),
		"smtpd_end_of_data_restrictions": unknown("smtp_connection"),
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			reached, release := make(chan struct{}), make(chan struct{})
			t.Cleanup(func() { close(release) })
			var asked atomic.Int64
			ask := policy(t, func(map[string]string) string {
				if asked.Add(1) == 2 {
					close(reached)
					<-release
				}
				return "DUNNO"
			})
			server := startPostfix(t, setting+" = "+ask+", permit_mynetworks, reject")
			p := server.provider(t)
			mustSend(t, p, messageTo("ann@people.test")) // the connection is a kept one
			failed := make(chan error, 1)
			go func() {
				_, err := p.Send(context.Background(), messageTo("ann@people.test"))
				failed <- err
			}()
			<-reached
			server.abort(t)
			if diff := cmp.Diff(want, verdictOf(t, <-failed)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
