package smtpmail

import (
	"context"
	"errors"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"slices"
)

// step is a part of a hand-over.
type step string

// The steps, in their order.
const (
	sending        step = "sender"
	addressing     step = "address"
	waiting        step = "wait" // for a connection of the pool
	connecting     step = "connect"
	greeting       step = "greeting"
	securing       step = "tls"
	authenticating step = "auth"
	mailing        step = "mail"
	rcpting        step = "rcpt"
	starting       step = "data"
	writing        step = "content"
	ending         step = "end"    // the end mark is on its way, the answer is not
	returning      step = "bounce" // the relay took it, and reports later
)

// failure is a hand-over that ended at a step.
type failure struct {
	step step
	err  error
}

func at(s step, err error) error { return &failure{s, err} }

func (f *failure) Error() string { return string(f.step) + ": " + f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// reply is a relay's answer. The zero value is none.
type reply struct {
	code     int    // RFC 5321 §4.2
	enhanced string // RFC 3463, such as "5.1.1"; "" if the relay gave none
}

// negative tells whether the relay answered, and said no.
func (r reply) negative() bool { return r.code >= 400 && r.code <= 599 }

var enhancedForm = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// reply reads the enhanced code where RFC 2034 puts it, whether or not the relay
// has announced that it gives any.
func (f *failure) reply() reply {
	var answer *textproto.Error
	if !errors.As(f.err, &answer) {
		return reply{}
	}
	return reply{answer.Code, enhancedForm.FindString(answer.Msg)}
}

// lost tells whether the connection failed, or never came about. TLS reports its
// alerts as failed operations too; those are no loss.
func (f *failure) lost() bool {
	if op, ok := errors.AsType[*net.OpError](f.err); ok {
		return slices.Contains([]string{"dial", "read", "write"}, op.Op)
	}
	return errors.Is(f.err, io.EOF) || errors.Is(f.err, io.ErrUnexpectedEOF) || errors.Is(f.err, net.ErrClosed)
}

// late tells whether a deadline of the network ended the step; a dial's is the
// one of ctx, and may strike first.
func (f *failure) late() bool {
	e, ok := errors.AsType[net.Error](f.err)
	return ok && e.Timeout()
}

// stale tells whether a kept connection turned out to be closed before anything
// of the message was sent on it.
func stale(ctx context.Context, err error) bool {
	f, ok := errors.AsType[*failure](err)
	if !ok || ctx.Err() != nil {
		return false
	}
	early := f.step == mailing || f.step == rcpting || f.step == starting
	return early && (f.reply().code == 421 || f.lost())
}
