// Package client calls the API of otpipe from a product's backend. It imports
// the standard library alone.
//
// A [Client] is a struct literal. Its methods are the operations of /v1:
//
//	otp := client.Client{BaseURL: "https://otp.internal:8080", Key: client.Hide(os.Getenv("OTPIPE_KEY"))}
//	started, err := otp.Start(ctx, client.StartRequest{Namespace: "phone-auth", To: phone})
//
// A wrong code is an answer and no error: look at [Checked.Valid]. Whatever the
// API refuses is an [*Error], and errors.Is finds its [Code]:
//
//	if errors.Is(err, client.ErrCooldownActive) { … }
//
// What fails by accident is tried again as long as [Client.Waiting] lasts, where
// a second try can do no harm; a refusal is never tried again.
package client
