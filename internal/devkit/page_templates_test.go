package devkit_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"

	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

// openTemplates serves an inbox with the real composer and the built-in templates.
func openTemplates(t *testing.T) inboxAt {
	t.Helper()
	composer, err := message.New(templates.FS, otp.BuiltIn(), message.Settings{
		Params: map[string]string{"brand": "Example"},
		Ending: map[otp.Namespace]message.Ending{otp.PhoneAuth: {Origin: "example.com"}},
	})
	must(t, err)
	w := &devkit.Web{Inbox: &devkit.Inbox{}, Chaos: &devkit.Chaos{}, Templates: &devkit.Templates{
		Composer: composer, Namespaces: otp.BuiltIn(), Cost: func(text string) string { return message.Measure(text).String() },
	}}
	s := httptest.NewServer(w.Handler())
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return inboxAt{w, s.URL}
}

// composed is what a worker would send for a sample.
func composed(t *testing.T, p inboxAt, ns otp.Namespace, ch otp.Channel, locale string) otp.Message {
	t.Helper()
	code, err := otp.ParseCode("123456", 6)
	must(t, err)
	m, err := p.web.Templates.Composer.Compose(ns, otp.Letter{To: otp.NewRecipient(ch, "", "", ""), Locale: locale}, code, 5*time.Minute)
	must(t, err)
	return m
}

func TestThePageOfTemplatesShowsWhatAWorkerWouldSend(t *testing.T) {
	p := openTemplates(t)
	for _, locale := range []string{"en", "de", "hi", "ar"} {
		page := p.ask(t, "GET", "/templates?namespace=phone-auth&channel=sms&locale="+locale, "").body
		text := composed(t, p, otp.PhoneAuth, otp.SMS, locale).Text
		shown := strings.Replace(html.EscapeString(text), "123456", `<strong class="code">123456</strong>`, 1)
		if !strings.Contains(page, shown) || !strings.Contains(page, message.Measure(text).String()) || !strings.Contains(page, "@example.com #123456") {
			t.Errorf("%s: want %q and its cost in\n%s", locale, shown, page)
		}
		page = p.ask(t, "GET", "/templates?namespace=forgot-password&channel=email&locale="+locale, "").body
		mail := composed(t, p, otp.ForgotPassword, otp.Email, locale)
		if !strings.Contains(page, html.EscapeString(mail.Subject)) || strings.Count(page, "<iframe") != 2 || strings.Count(page, "<iframe") != strings.Count(page, " sandbox src=") {
			t.Errorf("%s: no subject %q or mail in a cage in\n%s", locale, mail.Subject, page)
		}
		answer := p.ask(t, "GET", "/templates/mail?namespace=forgot-password&channel=email&locale="+locale, "")
		if answer.body != mail.HTML || !strings.HasPrefix(answer.header.Get("Content-Security-Policy"), "sandbox; default-src 'none'") {
			t.Errorf("%s: got %q under %q", locale, answer.body, answer.header.Get("Content-Security-Policy"))
		}
	}
}

func TestAChoiceThatThereIsNotIsTheFirstThatThereIs(t *testing.T) {
	p := openTemplates(t)
	for query, want := range map[string][]string{
		"":                                        {"<option selected>add-email", "<option selected>email", "<option selected>en"},
		"?namespace=none&channel=x&locale=tlh":    {"<option selected>add-email", "<option selected>email", "<option selected>en"},
		"?namespace=phone-auth&channel=email":     {"<option selected>phone-auth", "<option selected>sms", "<option selected>en"},
		"?namespace=forgot-password&locale=ar":    {"<option selected>forgot-password", "<option selected>email", "<option selected>ar"},
		"?namespace=%3Cb%3E&locale=%22%3E%3Cb%3E": {"<option selected>add-email", "<option selected>en"},
	} {
		answer := p.ask(t, "GET", "/templates"+query, "")
		if answer.status != http.StatusOK || strings.Contains(answer.body, "<b>") {
			t.Errorf("%q: %d", query, answer.status)
		}
		for _, w := range want {
			if !strings.Contains(answer.body, w) {
				t.Errorf("%q: no %s", query, w)
			}
		}
	}
	if got := p.ask(t, "GET", "/templates/mail?namespace=phone-auth&channel=email", "").status; got != http.StatusNotFound {
		t.Errorf("the HTML of a text: got %d, want 404", got)
	}
}

func TestAnInboxWithoutTemplatesHasNoPageForThem(t *testing.T) {
	with, without := openTemplates(t), openInbox(t)
	if page := with.ask(t, "GET", "/", "").body; !strings.Contains(page, `<a href="/templates">`) {
		t.Error("the inbox does not lead to the templates")
	}
	if page := without.ask(t, "GET", "/", "").body; strings.Contains(page, "/templates") {
		t.Error("a link to a page that there is not")
	}
	if got := without.ask(t, "GET", "/templates", "").status; got != http.StatusNotFound {
		t.Errorf("got %d, want 404", got)
	}
}

func TestAChoiceIsShownInTheBrowserWithoutAReload(t *testing.T) {
	p := openTemplates(t)
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	browsertest.Do(ctx, t, cdp.Navigate(p.url+"/templates?namespace=phone-auth"), cdp.WaitVisible("#preview .bubble"))
	_, err := cdp.Run(ctx, cdp.Evaluate[bool]("window.sameDocument = true"))
	must(t, err)

	const choose = `(() => { const s = document.getElementById("%"); s.value = "#"; s.dispatchEvent(new Event("change", { bubbles: true })); return ""; })()`
	for _, step := range []struct{ id, value, shows string }{
		{"locale", "ar", `#preview .bubble[lang="ar"]`},
		{"namespace", "verify-email", `#preview .card[lang="ar"] iframe.dark`},
	} {
		browsertest.Expect(ctx, t, strings.NewReplacer("%", step.id, "#", step.value).Replace(choose), "")
		browsertest.Do(ctx, t, cdp.WaitVisible(step.shows))
	}
	browsertest.Expect(ctx, t, `document.getElementById("channel").value + " " + document.getElementById("locale").value`, "email ar")
	browsertest.Expect(ctx, t, `getComputedStyle(document.querySelector("#preview .subject")).direction`, "rtl")
	browsertest.Expect(ctx, t, `String(window.sameDocument) + " " + new URLSearchParams(location.search).get("namespace")`, "true verify-email")
	browsertest.Axe(ctx, t)
	quiet()
}
