package smtpmail_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/smtpmail"
)

// What a script does instead of answering.
const (
	silence = "silence"
	hangUp  = "hang up"
)

// script answers each command with a line of its own choice, to the letter. The
// greeting stands under "220", the answer to a whole message under ".". It is
// for what a proper server never says.
type script map[string]string

var manners = script{
	"220": "220 relay.example ESMTP", "EHLO": "250 relay.example", "MAIL": "250 fine", "RCPT": "250 fine",
	"DATA": "354 go ahead", ".": "250 taken", "RSET": "250 fine", "QUIT": "221 bye",
}

// start plays the script to every connection until the test ends.
func (s script) start(t *testing.T) *smtpmail.Provider {
	t.Helper()
	p, _ := s.counted(t)
	return p
}

// counted is start with the connections counted.
func (s script) counted(t *testing.T) (*smtpmail.Provider, *counter) {
	t.Helper()
	l := newCounter(listen(t, "127.0.0.1:0"))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.play(c)
		}
	}()
	return provider(t, l.Addr()), l
}

func (s script) play(c net.Conn) {
	defer func() { _ = c.Close() }()
	lines := bufio.NewScanner(c)
	for ok := s.say(c, "220"); ok && lines.Scan(); {
		command, _, _ := strings.Cut(lines.Text(), " ")
		if ok = s.say(c, command); ok && command == "DATA" && strings.HasPrefix(s.line("DATA"), "354") {
			for lines.Scan() && lines.Text() != "." {
			}
			ok = s.say(c, ".")
		}
	}
}

func (s script) line(command string) string {
	if line, ok := s[command]; ok {
		return line
	}
	if line, ok := manners[command]; ok {
		return line
	}
	return "500 what"
}

// say answers a command, and tells whether the conversation goes on.
func (s script) say(c net.Conn, command string) bool {
	switch line := s.line(command); line {
	case silence:
		_, _ = io.Copy(io.Discard, c)
		return false
	case hangUp:
		return false
	default:
		_, err := fmt.Fprintf(c, "%s\r\n", line)
		return err == nil
	}
}
