package app_test

import (
	"testing"

	"thimble/internal/app"
)

func TestASmallHeapIsNotCollectedAllTheTime(t *testing.T) {
	for held, want := range map[uint64]int{0: 100, 1 << 20: 800, 24 << 20: 400, 96 << 20: 100, 4 << 30: 100} {
		if got := app.Aim(held); got != want {
			t.Errorf("a heap of %d bytes grows by %d %%, want %d", held, got, want)
		}
	}
}
