package supportui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

// accountPart is a provider's line.
type accountPart struct {
	support.AccountDay
	Now standing
}

// queuePart is a queue's line.
type queuePart struct {
	support.QueueNow
	Now standing
}

// standing is how a provider stands, in words.
type standing struct {
	Mood  support.Mood
	Short string
	Text  string
}

// standingOf tells what all workers know of a provider. A breaker is each worker's
// own: the one that opens tells the others.
func standingOf(s otp.Standing, now time.Time) standing {
	switch {
	case s.Drained != nil:
		return standing{support.Idle, "drained", fmt.Sprintf("by %s, %s: %s", s.Drained.By, ago(s.Drained.At, now), s.Drained.Reason)}
	case s.Paused > 0:
		return standing{support.Wait, "paused", fmt.Sprintf("for another %s, by what it said itself: %s", rough(s.Paused), s.PausedWhy)}
	case len(s.Tripped) > 0:
		var all []string
		for ch, left := range s.Tripped {
			all = append(all, fmt.Sprintf("%ss for another %s", channelText(ch), rough(left)))
		}
		slices.Sort(all)
		return standing{support.Bad, "breaker open", strings.Join(all, ", ")}
	}
	return standing{support.Good, "breaker closed", ""}
}

// longWait is how long a send may wait for a worker before somebody should look.
const longWait = 10 * time.Second

// queueStanding is how a queue stands, in words.
func queueStanding(q support.QueueNow) standing {
	switch {
	case !q.Known:
		return standing{support.Bad, "does not answer", ""}
	case q.Oldest >= longWait:
		return standing{support.Bad, "behind", ""}
	case q.Dead > 0:
		return standing{support.Wait, "tasks died", ""}
	}
	return standing{support.Good, "keeps up", ""}
}
