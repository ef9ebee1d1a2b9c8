package app

import (
	"errors"
	"testing"
	"time"

	"thimble"
)

func TestEventsAreRefusedBeforeTheDiskIsFullAndTakenWhenThereIsRoomAgain(t *testing.T) {
	var free int64
	var fault error
	r := newRoom(t.TempDir(), 1000)
	r.free = func(string) (int64, error) { return free, fault }
	for _, c := range []struct {
		name  string
		free  int64
		fault error
		full  bool
	}{{"room", 1000, nil, false}, {"less than the reserve", 999, nil, true}, {"room again", 5000, nil, false}, {"the disk is gone", 5000, errors.New("gone"), true}, {"and back", 5000, nil, false}} {
		free, fault = c.free, c.fault
		time.Sleep(roomEvery + 10*time.Millisecond)
		if err := r.Left(); errors.Is(err, thimble.ErrUnavailable) != c.full {
			t.Errorf("%s: %v, want full %t", c.name, err, c.full)
		}
	}
}

func TestTheSystemIsNotAskedForEachEvent(t *testing.T) {
	r, asked := newRoom(t.TempDir(), 1), 0
	r.free = func(string) (int64, error) { asked++; return 2, nil }
	for range 10_000 {
		if err := r.Left(); err != nil {
			t.Fatal(err)
		}
	}
	if asked > 20 {
		t.Errorf("asked %d times", asked)
	}
}

func TestThisDiskHasRoom(t *testing.T) {
	if free, err := freeBytes(t.TempDir()); err != nil || free <= 0 {
		t.Errorf("%d, %v", free, err)
	}
}
