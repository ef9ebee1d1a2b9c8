package vault

import (
	"context"
	"time"

	"thimble"
)

// A Key is a wrapped data key as it is stored.
type Key struct {
	Owner thimble.SubjectID
	Class string
	Chain bool // the start of a chain of months, not a base key
	// Gen counts the keys of one owner, class and kind; the highest seals.
	Gen        int
	Month      int   // of a chain: the first month it still leads to
	Epoch      int64 // the number of the epoch key that wraps it
	Wrapped    []byte
	Commitment []byte
	CreatedAt  time.Time
}

// A Tombstone remembers that an owner's keys were destroyed, without saying whose.
type Tombstone struct {
	Seq     int64  // 1, 2, 3, … in this database
	Mark    []byte // 16 bytes: the owner under the tombstone key
	KeyHash [32]byte
}

// A Pulse is what other processes may have changed.
type Pulse struct {
	Shreds int64 // the highest tombstone
	Floor  int64 // epochs below it are destroyed
	Months int64 // counts expiries
}

// A Cursor is the place of a key in the order of the store.
type Cursor struct {
	Owner thimble.SubjectID
	Class string
	Chain bool
	Gen   int
	Begun bool // false: before the first
}

// A Guarded key is to be inserted unless its owner's mark is among the tombstones.
type Guarded struct {
	Key
	Mark []byte
	// NeedsBase says that the owner must have a key of the base class.
	NeedsBase bool
}

// An Exchange replaces the wrapping of a key if it is still Old.
type Exchange struct {
	Key
	Old []byte
}

// Store keeps wrapped keys. Each method is one transaction, durable when it
// returns. vaultdb has the one for both databases.
type Store interface {
	// Install keeps id as the installation's, unless there is one, and returns the
	// one that is kept.
	Install(ctx context.Context, id []byte) ([]byte, error)
	// Installation returns the id, or an error of kind thimble.ErrNotFound.
	Installation(ctx context.Context) ([]byte, error)

	// Keys returns the keys of one owner, class and kind, the newest first.
	Keys(ctx context.Context, owner thimble.SubjectID, class string, chain bool) ([]Key, error)
	// KeysOf returns the keys of several owners; those of one are the newest first.
	KeysOf(ctx context.Context, owners []thimble.SubjectID, class string, chain bool) ([]Key, error)
	// Insert adds keys. One that is there already is left as it is. It returns an
	// error of kind thimble.ErrDenied when an owner has a tombstone, thimble.ErrNotFound
	// when a base key is needed and missing, thimble.ErrConflict when the epoch
	// is below the floor; then nothing is added.
	Insert(ctx context.Context, keys []Guarded) (added int, err error)
	// Batch returns up to limit keys after the cursor that are not under the epoch.
	Batch(ctx context.Context, epoch int64, after Cursor, limit int) ([]Key, error)
	// Chains returns up to limit chains of the class after the cursor that lead to a
	// month before the given one.
	Chains(ctx context.Context, class string, before int, after Cursor, limit int) ([]Key, error)
	// Exchange replaces wrappings, months and epochs, and returns how many were
	// still the old ones. Epochs below the floor are an error of kind thimble.ErrConflict.
	Exchange(ctx context.Context, keys []Exchange) (int, error)
	// RaiseFloor refuses epochs below floor from now on and returns how many keys
	// still lie under one; when there are any it changes nothing.
	RaiseFloor(ctx context.Context, floor int64) (left int, err error)

	// MonthFloor returns the month before which the class has expired, 0 for never.
	MonthFloor(ctx context.Context, class string) (int, error)
	// RaiseMonthFloor moves it up.
	RaiseMonthFloor(ctx context.Context, class string, month int) error

	// Shred deletes all keys of the owner and leaves a tombstone. It returns what it
	// deleted, and the tombstone that is there now.
	Shred(ctx context.Context, owner thimble.SubjectID, mark []byte, hash func([]Key) [32]byte) ([]Key, Tombstone, error)
	// Discard deletes the keys of owners that nothing was ever sealed for.
	Discard(ctx context.Context, owners []thimble.SubjectID) ([]Key, error)
	// Owners returns up to limit owners after the given one whose base key is older.
	Owners(ctx context.Context, after thimble.SubjectID, older time.Time, limit int) ([]thimble.SubjectID, error)
	// Tombstones returns up to limit tombstones after seq.
	Tombstones(ctx context.Context, seq int64, limit int) ([]Tombstone, error)
	// Bury adds foreign tombstones that are not there yet.
	Bury(ctx context.Context, stones []Tombstone) error
	// Scrub takes deleted bytes out of the live files and looks for the needles in
	// them. scanned is false where the files are not ours to read.
	Scrub(ctx context.Context, needles [][]byte) (found int, scanned bool, err error)
	// Pulse returns what other processes may have changed.
	Pulse(ctx context.Context) (Pulse, error)

	// Secret returns a sealed secret, or an error of kind thimble.ErrNotFound.
	Secret(ctx context.Context, name string) ([]byte, error)
	// PutSecret keeps it, unless the name is taken: then it does nothing.
	PutSecret(ctx context.Context, name string, sealed []byte, at time.Time) error
	// DropSecret deletes it; one that is not there is no error.
	DropSecret(ctx context.Context, name string) error
}
