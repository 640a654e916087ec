// Command otpctl is otpipe's command line for operators.
package main

import (
	"os"

	"github.com/otpipe/otpipe/internal/ctl"
)

func main() { os.Exit(ctl.Main(os.Args[1:])) }
