package app_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
)

// openTerminal is a terminal, and the end at which somebody would sit.
func openTerminal(t *testing.T) (terminal, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	var number, unlock uint32
	for request, arg := range map[uintptr]*uint32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &unlock} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Skipf("no terminals here: %v", errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return terminal, person
}

func TestTheLogIsTextOnATerminalAndJSONElsewhere(t *testing.T) {
	t.Parallel()
	terminal, person := openTerminal(t)
	for format, text := range map[string]bool{"auto": true, "text": true, "json": false} {
		app.NewLog(config.Log{Level: "info", Format: format}, terminal).Info("said")
		line := make([]byte, 1000)
		n, err := person.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(line[:n]), "time=") != text {
			t.Errorf("%s on a terminal: %s", format, line[:n])
		}
	}
	for format, text := range map[string]bool{"auto": false, "text": true, "json": false} {
		var b bytes.Buffer
		app.NewLog(config.Log{Level: "info", Format: format}, &b).Info("said")
		if strings.HasPrefix(b.String(), "time=") != text {
			t.Errorf("%s elsewhere: %s", format, &b)
		}
	}
}
