package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	queueFresh    = time.Second            // a reading is not repeated before
	queuePatience = 500 * time.Millisecond // a scrape does not wait longer for one
)

// queueNames are a queue for each channel, and that of the notices.
var queueNames = []string{string(otp.SMS), string(otp.Email), "events"}

// QueueReader tells how a channel's queue stands; see asynqueue.Gauge.
type QueueReader interface {
	Read(queue string) (otp.QueueState, error)
}

var (
	queueWaiting = prometheus.NewDesc("otpipe_queue_waiting",
		"Orders, or notices, that wait for a worker or for their next try. All processes report the same queue: take max by (queue), never sum.", []string{"queue"}, nil)
	queueOldest = prometheus.NewDesc("otpipe_queue_oldest_seconds",
		"For how long the oldest order has waited for a worker. Take max by (queue).", []string{"queue"}, nil)
	queueDead = prometheus.NewDesc("otpipe_queue_dead",
		"Tasks that died in the queue. The watch brings their sends back. Take max by (queue).", []string{"queue"}, nil)
)

// Queues reports how the queues stand whenever the metrics are read. A queue
// that cannot be read keeps its last reading, and holds nobody up.
func (m *Metrics) Queues(r QueueReader) {
	m.registry.MustRegister(&queues{reader: r, last: map[string]otp.QueueState{}})
}

type queues struct {
	reader QueueReader

	mu      sync.Mutex
	last    map[string]otp.QueueState
	read    time.Time
	reading bool
}

// Describe is for prometheus.
func (q *queues) Describe(ch chan<- *prometheus.Desc) {
	ch <- queueWaiting
	ch <- queueOldest
	ch <- queueDead
}

// Collect is for prometheus.
func (q *queues) Collect(out chan<- prometheus.Metric) {
	select {
	case <-q.refresh():
	case <-time.After(queuePatience):
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range queueNames {
		r := q.last[name]
		out <- prometheus.MustNewConstMetric(queueWaiting, prometheus.GaugeValue, float64(r.Waiting), name)
		out <- prometheus.MustNewConstMetric(queueOldest, prometheus.GaugeValue, r.Oldest.Seconds(), name)
		out <- prometheus.MustNewConstMetric(queueDead, prometheus.GaugeValue, float64(r.Dead), name)
	}
}

// refresh reads the queues, unless that was done a moment ago or is being done.
func (q *queues) refresh() (done chan struct{}) {
	done = make(chan struct{})
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.reading || time.Since(q.read) < queueFresh {
		close(done)
		return done
	}
	q.reading = true
	go func() {
		defer close(done)
		got := map[string]otp.QueueState{}
		for _, name := range queueNames {
			if state, err := q.reader.Read(name); err == nil {
				got[name] = state
			}
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		for name, r := range got {
			q.last[name] = r
		}
		q.read, q.reading = time.Now(), false
	}()
	return done
}
