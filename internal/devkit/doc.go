// Package devkit is the outside world on loopback: a Twilio, a mail server, an
// inbox that shows what the handset would show, and a Redis inside the process.
// It is imported by cmd/dev and by tests alone.
package devkit
