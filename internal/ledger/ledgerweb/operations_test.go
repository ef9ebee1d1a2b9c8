package ledgerweb_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/api/apitest"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestAnybodyCanCheckTheLogByTheAPI(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core))
	d := apitest.Open(t, ledgerweb.Operations(s.log))
	checkpoint := func() ledger.Checkpoint {
		key := d.Get(apitest.None, "/v1/ledger/key")
		a := d.Get(apitest.None, "/v1/ledger/checkpoint")
		head, err := ledger.OpenCheckpoint([]byte(a.Body), strings.TrimSpace(key.Body))
		if err != nil || a.Header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("%v, %v in %s", err, a.Header, a.Body)
		}
		return head
	}
	s.records(5)
	old := checkpoint()
	s.records(12)
	now := checkpoint()
	var got ledgerweb.Consistency
	d.Into(&got, d.Get(apitest.None, "/v1/ledger/consistency?from="+strconv.FormatInt(old.Size, 10)+"&to="+strconv.FormatInt(now.Size, 10)))
	var proof tlog.TreeProof
	for _, text := range got.Proof {
		h, err := tlog.ParseHash(text)
		if err != nil {
			t.Fatal(err)
		}
		proof = append(proof, h)
	}
	if err := tlog.CheckTree(proof, now.Size, now.Root, old.Size, old.Root); err != nil {
		t.Error(err)
	}
	d.Into(&got, d.Get(apitest.None, "/v1/ledger/consistency?from=0&to=17"))
	if got.Proof == nil || len(got.Proof) != 0 {
		t.Errorf("of the empty tree: %v, want nothing to prove", got.Proof)
	}
	for query, field := range map[string]string{"?from=5&to=18": "query.to", "?from=6&to=5": "query.from", "?from=-1&to=5": "query.from", "?to=5": "query.from", "?from=a&to=5": "query.from"} {
		d.Refuses(d.Get(apitest.None, "/v1/ledger/consistency"+query), 422, "invalid", field)
	}
}

// witnessed is a log whose published checkpoint is told by the test.
type witnessed struct {
	ledgerweb.OperationLog
	published ledger.Checkpoint
}

func (w witnessed) Published(context.Context) (ledger.Checkpoint, error) { return w.published, nil }

func TestCheckpointIsTheNewestAndCosignedOnceItIsSeen(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core))
	s.records(5)
	head, err := s.log.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := ledger.NewCosigner("witness.example/w", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	by, err := ledger.Cosignatures(head, cosigner.Cosign(head, time.Unix(1e9, 0)), cosigner.Key())
	if err != nil {
		t.Fatal(err)
	}
	log := witnessed{s.log, head.WithCosignatures(by)}
	d := apitest.Open(t, ledgerweb.Operations(log))
	if got := d.Get(apitest.None, "/v1/ledger/checkpoint").Body; got != string(log.published.Note) {
		t.Errorf("got %q, want it with the cosignature", got)
	}
	s.records(1)
	got, err := ledger.OpenCheckpoint([]byte(d.Get(apitest.None, "/v1/ledger/checkpoint").Body), s.log.VerifierKey())
	if err != nil || got.Size != head.Size+1 {
		t.Errorf("got %d leaves (%v), want the newest although no witness has seen it", got.Size, err)
	}
}

func TestALogWithoutASignatureSaysTryLater(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core))
	d := apitest.Open(t, ledgerweb.Operations(s.log))
	a := d.Get(apitest.None, "/v1/ledger/checkpoint")
	d.Refuses(a, 503, "unavailable", "")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
