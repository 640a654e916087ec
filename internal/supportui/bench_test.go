package supportui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// BenchmarkSearch is what a person waits for at the server: from the search for a
// number to the list of its verifications, and to the page of one, among 100,000.
//
//	go test -run '^$' -bench Search ./internal/supportui
func BenchmarkSearch(b *testing.B) {
	const kept, recipients = 100_000, 20_000
	r := newRig(b)
	number := func(i int) string { return fmt.Sprintf("+49151%08d", 10_000_000+i) }
	var g sync.WaitGroup
	for worker := range 8 {
		g.Go(func() {
			for i := worker; i < recipients; i += 8 {
				for j := range kept / recipients {
					r.start(asked{to: number(i), binding: fmt.Sprint(j), ns: []otp.Namespace{otp.PhoneAuth, otp.AddPhone, otp.VerifyPhone, "forgot-password", "phone-auth"}[j], free: true})
				}
			}
		})
	}
	g.Wait()
	var list, page []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		at := r.post("/search", url.Values{"q": {number(i * 7919 % recipients)}}).header.Get("Location")
		body := r.page(at)
		list = append(list, time.Since(began))
		first := verificationLink.FindString(body)
		began = time.Now()
		if a := r.get(first); a.status != http.StatusOK {
			b.Fatal(a.status)
		}
		page = append(page, time.Since(began))
	}
	report(b, "list", list)
	report(b, "page", page)
}

var verificationLink = regexp.MustCompile(`/verifications/VE[0-9a-f]{32}`)

func report(b *testing.B, what string, all []time.Duration) {
	b.Helper()
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, what+"-p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, what+"-p99-ms")
}
