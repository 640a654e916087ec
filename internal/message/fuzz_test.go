package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

// FuzzTemplate reads templates as an operator might write them, and params as a
// stranger might: no complaint tells a code, and a subject is one line.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"{{.Code}} is your {{.Params.brand}} code {{.Purpose}}", "{{.Code", "{{.Nothing}}", "{{.Params.nothing}}", "{{if .Code}}{{end}}", "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}",
		"{{range .Params}}{{.}}{{end}}", "{{plural .Minutes \"one\" \"#\" \"other\" \"#\"}}", "{{plural .Code}}", "{{index .Params .Code}}", "{{printf \"%*d\" 1000000 1}}", "{{.Code | js}}", "\x00", "<script>{{.Code}}</script>", "<a href={{.Code}}>",
		"{{slice .Code 99}}", "{{len .}}", "{{call .Code}}", "{{html .Code}}{{break}}", "",
	} {
		for _, file := range []uint8{0, 1, 2, 3} {
			f.Add(text, file, "Example")
		}
	}
	f.Add("Your {{.Params.brand}} code", uint8(1), "Example\r\nBcc: x@example.com")
	files := []string{"sms.txt", "email.subject.txt", "email.txt", "email.html"}
	policy := otp.DefaultPolicy()
	f.Fuzz(func(t *testing.T, text string, which uint8, said string) {
		file := files[int(which)%len(files)]
		all := map[otp.Namespace]otp.Policy{"ours": policy}
		over, err := message.Overlay(tree(map[string]string{"en/ours/" + file: text}), templates.FS, all)
		if err != nil {
			t.Fatal(err)
		}
		c, err := message.New(over, all, message.Settings{Params: brand})
		if err != nil {
			return
		}
		channel := otp.Email
		if file == "sms.txt" {
			channel = otp.SMS
		}
		m, err := c.Compose("ours", letter(channel, "en", map[string]string{"brand": said}), codeOf(t, "739182"), time.Minute)
		if err != nil && strings.Contains(err.Error(), "739182") {
			t.Errorf("the complaint tells the code: %v", err)
		}
		if strings.ContainsAny(m.Subject, "\r\n") {
			t.Errorf("a subject of several lines: %q", m.Subject)
		}
	})
}
