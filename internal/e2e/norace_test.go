//go:build !race

package e2e_test

// raced says whether the processes are built with the race detector: as the
// tests are.
const raced = false
