package ledgerweb_test

import (
	"strconv"
	"strings"
	"testing"

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

func TestALogWithoutASignatureSaysTryLater(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core))
	d := apitest.Open(t, ledgerweb.Operations(s.log))
	a := d.Get(apitest.None, "/v1/ledger/checkpoint")
	d.Refuses(a, 503, "unavailable", "")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
