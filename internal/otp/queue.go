package otp

import "time"

// QueueState is how a channel's queue stands.
type QueueState struct {
	Waiting int           // orders that wait for a worker, or for their next try
	Running int           // orders that a worker has taken
	Failing int           // of those that wait, the ones that were tried before
	Oldest  time.Duration // for how long the oldest of those has waited that a worker may take
	Dead    int           // tasks that the queue has given up; none should
	Servers int           // processes that serve it
}

// DueState is how much there is to look after for the watch.
type DueState struct {
	Kept int           // sends, and verifications whose code lives
	Due  int           // of these, whose time has come
	Late time.Duration // how long ago it came for the first of them: with a worker, less than two seconds
}
