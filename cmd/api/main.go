// Command api serves otpipe's HTTP API.
package main

import (
	"os"

	"github.com/otpipe/otpipe/internal/app"
)

func main() { os.Exit(app.Main("api", app.RunAPI)) }
