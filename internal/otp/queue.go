package otp

import "time"

// QueueState is how a channel's queue stands.
type QueueState struct {
	Waiting int           // orders that wait for a worker, or for their next try
	Oldest  time.Duration // for how long the oldest of the first has waited
	Dead    int           // tasks that the queue has given up; none should
}
