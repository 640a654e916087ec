// Package smtpmail hands messages to a mail relay over SMTP (RFC 5321), on
// connections that it keeps open between messages. It runs in the worker.
//
// It drives the protocol step by step instead of calling go-mail's Client: only
// then is it known at which step a hand-over broke, and that decides whether
// the message may be sent again.
package smtpmail
