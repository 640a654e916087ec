// Command worker delivers codes.
package main

import (
	"os"

	"github.com/otpipe/otpipe/internal/app"
)

func main() { os.Exit(app.Main("worker", app.RunWorker)) }
