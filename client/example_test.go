package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/otpipe/otpipe/client"
)

// A login by phone: ask for a code, check what was typed, use the session.
func Example() {
	ctx := context.Background()
	otp := client.Client{BaseURL: os.Getenv("OTPIPE_URL"), Key: client.Hide(os.Getenv("OTPIPE_KEY"))}

	started, err := otp.Start(ctx, client.StartRequest{Namespace: "phone-auth", To: "+49 1512 3456789", Locale: "de"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sent to", started.ToMasked)

	checked, err := otp.Check(ctx, client.CheckRequest{Namespace: "phone-auth", To: "+4915123456789", Code: client.Hide(typed("+4915123456789"))})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("right:", checked.Valid, checked.Session.Token)

	session, err := otp.Consume(ctx, client.SessionRequest{Token: checked.Session.Token, Namespace: "phone-auth", To: "+4915123456789"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("proved:", session.Active)
	// Output:
	// sent to +49•••••••••89
	// right: true ••••••
	// proved: true
}

// What the API refuses is an error with a code, and often with how long to wait.
func ExampleClient_Start_cooldown() {
	ctx := context.Background()
	otp := client.Client{BaseURL: os.Getenv("OTPIPE_URL"), Key: client.Hide(os.Getenv("OTPIPE_KEY"))}

	ask := client.StartRequest{Namespace: "verify-email", To: "kim@example.com"}
	if _, err := otp.Start(ctx, ask); err != nil {
		fmt.Println(err)
		return
	}
	_, err := otp.Start(ctx, ask)
	var refused *client.Error
	if errors.Is(err, client.ErrCooldownActive) && errors.As(err, &refused) {
		fmt.Println("wait:", refused.RetryAfter > 50*time.Second)
	}
	// Output:
	// wait: true
}

// A wrong code is an answer. What is shown to the one who typed it does not tell
// whether there was a code.
func ExampleClient_Check_wrong() {
	ctx := context.Background()
	otp := client.Client{BaseURL: os.Getenv("OTPIPE_URL"), Key: client.Hide(os.Getenv("OTPIPE_KEY"))}

	checked, err := otp.Check(ctx, client.CheckRequest{Namespace: "phone-auth", To: "+447400123456", Code: client.Hide("123456")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(checked.Valid, checked.Reason, checked.PublicReason)
	// Output:
	// false not_found invalid_or_expired
}

// Why did it not arrive? The answer is in plain words.
func ExampleClient_Get() {
	ctx := context.Background()
	otp := client.Client{BaseURL: os.Getenv("OTPIPE_URL"), Key: client.Hide(os.Getenv("OTPIPE_KEY"))}

	started, err := otp.Start(ctx, client.StartRequest{Namespace: "add-email", To: "lee@example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := otp.Cancel(ctx, started.ID); err != nil {
		fmt.Println(err)
		return
	}
	told, err := otp.Get(ctx, started.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	what, _, _ := strings.Cut(told.Explanation.What, " at ")
	fmt.Println(told.Status, "–", what)
	// Output:
	// canceled – Canceled by the product
}
