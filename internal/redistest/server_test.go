package redistest

import (
	"errors"
	"testing"
)

func TestAServerThatEndsByItselfIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := &Server{dir: t.TempDir()}
	if err := s.start("--maxmemory-policy", "none-such"); !errors.Is(err, errEnded) {
		t.Errorf("%v", err)
	}
}
