// Package asynqueue is the queue over asynq: both ends of it, so that what is
// written and what is read is said in one place. Of a send it carries an id and a
// number, nothing else; what is to be sent lies sealed in the store. Notices it
// carries whole: they hold no secret.
//
// The Ringer runs in the api and in the worker, all else in the worker.
package asynqueue

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	taskType    = "otpipe:send"
	traceparent = "traceparent" // https://www.w3.org/TR/trace-context/
	// maxRetry is never reached: a send ends with its code, long before.
	maxRetry = 1000
	// taskTimeout is longer than any run of a task may take. asynq gives a task
	// to another worker when it ends, though the first one still runs; claims
	// make that harmless.
	taskTimeout = 2 * time.Minute
)

var payloadForm = regexp.MustCompile(`^(VE[0-9a-f]{32})/([1-9][0-9]{0,2})$`)

// newTask writes an order down. The claims so far are part of the task's name:
// a task that a dead worker still seems to hold cannot keep a new one out.
//
// It tells which request it belongs to, where that is traced, and nothing else
// of it: what a stranger may add to a trace (tracestate, baggage) stays behind.
func newTask(d otp.Due, more string) *asynq.Task {
	var headers map[string]string
	if d.Trace != "" {
		headers = map[string]string{traceparent: d.Trace}
	}
	return asynq.NewTaskWithHeaders(taskType, []byte(d.Order.String()), headers,
		asynq.TaskID(taskID(d)+more), asynq.Queue(string(d.Channel)),
		asynq.MaxRetry(maxRetry), asynq.Timeout(taskTimeout))
}

func taskID(d otp.Due) string {
	return fmt.Sprintf("%s.%d.%d", d.Order.ID, d.Order.Send, d.Claims)
}

// readOrder is the reverse of newTask.
func readOrder(t *asynq.Task) (otp.Order, error) {
	m := payloadForm.FindSubmatch(t.Payload())
	if t.Type() != taskType || m == nil {
		return otp.Order{}, errors.New("not an order")
	}
	n, err := strconv.Atoi(string(m[2]))
	return otp.Order{ID: otp.ID(m[1]), Send: n}, err
}
