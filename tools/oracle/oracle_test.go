package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

const origin = "shop.example/ledger"

// A served log is ours, on a loopback address.
type served struct {
	*ledgerdb.Log
	t      testing.TB
	db     *sqldb.DB
	signer *ledger.Signer
	leaves [][]byte // of the current epoch
}

func newServed(t testing.TB) *served {
	t.Helper()
	s := &served{t: t, db: sqldbtest.SQLite(t, sqldb.Core)}
	s.sign(origin, 1)
	return s
}

func (s *served) sign(name string, key byte) {
	s.t.Helper()
	var err error
	if s.signer, err = ledger.NewSigner(name, bytes.Repeat([]byte{key}, 32)); err != nil {
		s.t.Fatal(err)
	}
	s.Log = ledgerdb.New(s.db, s.signer, ledgerdb.Config{Batch: 8192})
}

// growTo queues leaves and integrates until the tree has so many.
func (s *served) growTo(size int) {
	s.t.Helper()
	for len(s.leaves) < size {
		entries := make([]ledger.Entry, min(8192, size-len(s.leaves)))
		for i := range entries {
			entries[i] = ledger.Entry{Class: ledger.Decision, Record: fmt.Appendf(nil, `{"n":%d}`, len(s.leaves)+i)}
		}
		err := s.db.Write(s.t.Context(), func(tx *sqldb.Tx) error {
			openings, err := s.QueueMany(s.t.Context(), tx, entries)
			for _, o := range openings {
				s.leaves = append(s.leaves, o.Leaf)
			}
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	for n := 1; n > 0; {
		var err error
		if n, err = s.Integrate(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// tessera is a foreign reader of a log.
type tessera struct {
	*client.HTTPFetcher
	verifier note.Verifier
	origin   string
}

func (s *served) reader() tessera {
	s.t.Helper()
	server := httptest.NewServer(ledgerweb.Handler(s.Log, nil))
	s.t.Cleanup(server.Close)
	at, err := url.Parse(server.URL + ledgerweb.Prefix + "/")
	if err != nil {
		s.t.Fatal(err)
	}
	fetcher, err := client.NewHTTPFetcher(at, server.Client())
	if err != nil {
		s.t.Fatal(err)
	}
	verifier, err := note.NewVerifier(s.VerifierKey())
	if err != nil {
		s.t.Fatal(err)
	}
	return tessera{fetcher, verifier, s.Origin()}
}

// fsck reads every bundle and every tile and compares them with the checkpoint.
func (r tessera) fsck(ctx context.Context) error {
	return fsck.New(r.origin, r.verifier, r, hashBundle, fsck.Opts{N: 2}).Check(ctx)
}

func hashBundle(b []byte) (hashes [][]byte, err error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(b); err != nil {
		return nil, err
	}
	for _, leaf := range bundle.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(leaf))
	}
	return hashes, nil
}

func (r tessera) tracker(ctx context.Context, seen []byte) (*client.LogStateTracker, error) {
	return client.NewLogStateTracker(ctx, r.ReadTile, seen, r.verifier, r.origin, client.UnilateralConsensus(r.ReadCheckpoint))
}

// sizes lie at, before and after the ends of tiles of the first two levels.
var sizes = []int{0, 1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 65793}

func TestTesseraAcceptsOurLogAtEverySize(t *testing.T) {
	s := newServed(t)
	s.growTo(0)
	r := s.reader()
	follower, err := r.tracker(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		s.growTo(size)
		if err := r.fsck(t.Context()); err != nil {
			t.Fatalf("fsck at %d leaves: %v", size, err)
		}
		if _, _, _, err := follower.Update(t.Context()); err != nil {
			t.Fatalf("following to %d leaves: %v", size, err)
		}
		if got := follower.Latest().Size; got != uint64(size) {
			t.Fatalf("the follower is at %d leaves, want %d", got, size)
		}
		proves(t, s, r, size)
	}
}

// proves builds proofs of inclusion and consistency with Tessera's client out of our
// tiles, and reads the leaves they are about.
func proves(t *testing.T, s *served, r tessera, size int) {
	t.Helper()
	head, _, _, err := client.FetchCheckpoint(t.Context(), r.ReadCheckpoint, r.verifier, r.origin)
	if err != nil {
		t.Fatal(err)
	}
	if size == 0 {
		return
	}
	builder, err := client.NewProofBuilder(t.Context(), head.Size, r.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range picks(size) {
		p, err := builder.InclusionProof(t.Context(), uint64(i))
		if err != nil {
			t.Fatalf("proof of leaf %d of %d: %v", i, size, err)
		}
		hash := rfc6962.DefaultHasher.HashLeaf(s.leaves[i])
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(i), head.Size, hash, p, head.Hash); err != nil {
			t.Errorf("leaf %d of %d: %v", i, size, err)
		}
		bundle, err := client.GetEntryBundle(t.Context(), r.ReadEntryBundle, uint64(i/256), head.Size)
		if err != nil || !bytes.Equal(bundle.Entries[i%256], s.leaves[i]) {
			t.Errorf("leaf %d of %d is not in its bundle (%v)", i, size, err)
		}
		// Our own proof is the one that Tessera builds.
		smaller := uint64(i + 1)
		want, err := builder.ConsistencyProof(t.Context(), smaller, head.Size)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Consistency(t.Context(), int64(smaller), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("from %d to %d: our proof has %d hashes, Tessera's %d", smaller, size, len(got), len(want))
		}
		for k := range got {
			if !bytes.Equal(got[k][:], want[k]) {
				t.Errorf("from %d to %d: hash %d differs from Tessera's", smaller, size, k)
			}
		}
	}
}

func picks(size int) []int {
	all := []int{0, size / 3, size / 2, size - 1}
	for _, edge := range []int{255, 256, 65535, 65536} {
		if edge < size {
			all = append(all, edge)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestTesseraAcceptsEachNewEpochOfTheLog(t *testing.T) {
	s := newServed(t)
	s.growTo(300)
	for epoch := int64(2); epoch <= 4; epoch++ {
		head, err := s.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		name, err := ledger.EpochOrigin(origin, epoch)
		if err != nil {
			t.Fatal(err)
		}
		next, err := ledger.NewSigner(name, bytes.Repeat([]byte{byte(epoch)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		release(t, s.db)
		first, err := ledgerdb.OpenEpoch(t.Context(), s.db, s.signer, next, head.Note, ledgerdb.Config{})
		if err != nil {
			t.Fatal(err)
		}
		s.leaves = [][]byte{first.Leaf}
		s.sign(name, byte(epoch))
		r := s.reader()
		for _, size := range []int{1, 2, 256, 257} {
			s.growTo(size)
			if err := r.fsck(t.Context()); err != nil {
				t.Fatalf("epoch %d at %d leaves: %v", epoch, size, err)
			}
			proves(t, s, r, size)
		}
	}
}

func release(t *testing.T, db *sqldb.DB) {
	t.Helper()
	alter(t, db, `update ledger_lease set lease_until = 0`)
}

func alter(t *testing.T, db *sqldb.DB, query string) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(t.Context(), query); return err })
	if err != nil {
		t.Fatal(err)
	}
}

// An oracle that accepts everything proves nothing: one altered hash or leaf, and
// Tessera refuses the log.
func TestTesseraRefusesALogWithOneAlteredHash(t *testing.T) {
	s := newServed(t)
	s.growTo(600)
	r := s.reader()
	if err := r.fsck(t.Context()); err != nil {
		t.Fatalf("the log as it was signed: %v", err)
	}
	alter(t, s.db, `drop trigger ledger_hashes_update`)
	alter(t, s.db, `drop trigger ledger_leaves_update`)
	flips := map[string]string{
		"a hash of level 0": `update ledger_hashes set hash = cast(x'00' || substr(hash, 2) as blob) where idx = 0`,
		"a leaf":            `update ledger_leaves set leaf = cast(substr(leaf, 1, 53) || x'00' as blob) where idx = 300`,
	}
	for what, flip := range flips {
		t.Run(what, func(t *testing.T) {
			table, key := "ledger_hashes", 0
			if what == "a leaf" {
				table, key = "ledger_leaves", 300
			}
			alter(t, s.db, fmt.Sprintf(`create table kept as select * from %s where idx = %d`, table, key))
			alter(t, s.db, flip)
			err := r.fsck(t.Context())
			if err == nil {
				t.Error("Tessera accepts the altered log")
			}
			t.Logf("Tessera: %.60s…", fmt.Sprint(err))
			column := map[string]string{"ledger_hashes": "hash", "ledger_leaves": "leaf"}[table]
			alter(t, s.db, fmt.Sprintf(`update %s set %s = (select %s from kept) where idx = %d`, table, column, column, key))
			alter(t, s.db, `drop table kept`)
			if err := r.fsck(t.Context()); err != nil {
				t.Errorf("put back as it was: %v", err)
			}
		})
	}
}

// Tessera's follower, like an auditor of ours, keeps evidence of a fork.
func TestTesseraNoticesAForkOfTheLog(t *testing.T) {
	s := newServed(t)
	s.growTo(100)
	seen, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := newServed(t) // the same name and key, another history
	other.growTo(200)

	follower, err := other.reader().tracker(t.Context(), seen.Note)
	if err == nil {
		_, _, _, err = follower.Update(t.Context())
	}
	if _, forked := errors.AsType[client.ErrInconsistency](err); !forked {
		t.Errorf("got %v, want evidence of a fork", err)
	}
}
