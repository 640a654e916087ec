// Package check holds what operators deploy to what reads it: Docker, compose,
// Helm, Kubernetes, systemd, Prometheus and Grafana, as far as that goes without
// running any of them.
package check
