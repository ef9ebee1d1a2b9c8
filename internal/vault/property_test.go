package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"thimble"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
)

type sealedCell struct {
	cell   thimble.Cell
	sealed []byte
}

// forest seals one value in each of many cells that differ in as little as one part.
func forest(t *testing.T, v *vault.Vault) (all []sealedCell) {
	t.Helper()
	owners := []thimble.SubjectID{{}}
	for range 4 {
		owners = append(owners, vaulttest.Owner(t, v))
	}
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, owner := range owners {
		for _, class := range []string{"", "orders", "chats"} {
			for _, at := range []time.Time{{}, june, june.AddDate(0, 1, 0)} {
				if class == "" && !at.IsZero() {
					continue // the base class has no months: this would be the same cell
				}
				for row := range 3 {
					for _, table := range []string{"t", "tt"} {
						c := thimble.Cell{Owner: owner, Table: table, Column: "c", Row: []byte{byte(row)}, Category: "user.contact", Class: class, At: at}
						all = append(all, sealedCell{c, mustSeal(t, v, c, fmt.Sprint(c))})
					}
				}
			}
		}
	}
	return all
}

// TestNoSwapAndNoFlippedBitIsAccepted moves sealed values between cells, flips bits,
// cuts, and splices; THIMBLE_SOAK=1 does it a million times.
func TestNoSwapAndNoFlippedBitIsAccepted(t *testing.T) {
	v := vaulttest.SQLite(t)
	all := forest(t, v)
	seed := uint64(1)
	if s, err := strconv.ParseUint(os.Getenv("THIMBLE_SEED"), 10, 64); err == nil {
		seed = s
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	counts := map[string]int{}
	n := rounds(20_000)
	for i := range n {
		own, other := all[rnd.IntN(len(all))], all[rnd.IntN(len(all))]
		name, cell, sealed := tamper(rnd, own, other)
		if sealed == nil {
			continue
		}
		counts[name]++
		plain, err := v.Open(ctx, cell, sealed)
		if err == nil || plain != nil {
			t.Fatalf("round %d of seed %d: %s was accepted", i, seed, name)
		}
		if !errors.Is(err, thimble.ErrDenied) {
			t.Fatalf("round %d of seed %d: %s: %v, want a denial", i, seed, name, err)
		}
	}
	t.Log(n, "rounds, seed", seed, counts)
	for _, s := range all {
		wantOpens(t, v, s.cell, s.sealed, fmt.Sprint(s.cell))
	}
}

func tamper(rnd *rand.Rand, own, other sealedCell) (name string, cell thimble.Cell, sealed []byte) {
	same := bytes.Equal(own.sealed, other.sealed)
	sealed = bytes.Clone(own.sealed)
	switch rnd.IntN(6) {
	case 0, 1:
		if same {
			return "", cell, nil
		}
		return "a swap", other.cell, sealed
	case 2:
		i := rnd.IntN(len(sealed) * 8)
		sealed[i/8] ^= 1 << (i % 8)
		return "a flipped bit", own.cell, sealed
	case 3:
		return "a cut", own.cell, sealed[:rnd.IntN(len(sealed))]
	case 4:
		// A header that names the other's key, month or algorithm.
		if bytes.Equal(own.sealed[:5], other.sealed[:5]) {
			return "", cell, nil
		}
		copy(sealed[:5], other.sealed)
		return "a foreign header", own.cell, sealed
	}
	if same {
		return "", cell, nil
	}
	at := 5 + rnd.IntN(len(sealed)-5)
	spliced := append(sealed[:at:at], other.sealed[min(at, len(other.sealed)):]...)
	if bytes.Equal(spliced, own.sealed) {
		return "", cell, nil
	}
	return "a splice", own.cell, spliced
}
