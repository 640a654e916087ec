//go:build race

package chaos_test

// raced says whether the processes are built with the race detector: as the
// tests are.
const raced = true
