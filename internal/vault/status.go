package vault

import (
	"context"
	"fmt"
	"time"
)

// An EpochStatus says when an epoch key was made and when it is to be destroyed. A
// backup of the data keys opens as long as its day's epoch key lives.
type EpochStatus struct {
	Number int64
	Made   time.Time // the day, UTC
	// Ends is the day on which a rotation destroys it. The newest is kept
	// whatever its age, until a rotation has made a newer one.
	Ends time.Time
}

// Epochs returns the epoch keys that live, the oldest first.
func (v *Vault) Epochs(ctx context.Context) ([]EpochStatus, error) {
	if v.ring.epochs == nil {
		return nil, fmt.Errorf("vault: listing epochs: %w", errNew)
	}
	all, err := v.ring.epochs.Epochs(ctx)
	if err != nil {
		return nil, fmt.Errorf("vault: listing epochs: %w", outage(err))
	}
	list := make([]EpochStatus, len(all))
	for i, e := range all {
		made := time.Unix(e.Day*24*60*60, 0).UTC()
		list[i] = EpochStatus{Number: e.Number, Made: made, Ends: made.AddDate(0, 0, v.cfg.EpochDays)}
	}
	return list, nil
}

// UnreadableAfter returns the day by which a key that is destroyed now is unreadable
// in every backup, provided that Rotate runs daily: what an erasure's receipt says.
func (v *Vault) UnreadableAfter() time.Time {
	return time.Unix((v.day()+int64(v.cfg.EpochDays)+1)*24*60*60, 0).UTC()
}
