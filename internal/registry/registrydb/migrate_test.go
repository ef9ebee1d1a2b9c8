package registrydb

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"thimble/internal/ledger"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

// migration returns the statements of a migration.
func migration(t *testing.T, db *sqldb.DB, name string) []string {
	t.Helper()
	engine := "sqlite"
	if db.Engine() == sqldb.PostgreSQL {
		engine = "postgres"
	}
	text, err := os.ReadFile("../../sqldb/migrations/core/" + engine + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for s := range strings.SplitSeq(string(text), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// Versions from before there was a registry come along with their leaves: the audit holds
// them against what was written then.
func TestVersionsFromBeforePackagesWereSignedComeAlong(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		run := func(tx *sqldb.Tx, statements ...string) error {
			for _, s := range statements {
				if _, err := tx.Exec(ctx, s); err != nil {
					return err
				}
			}
			return nil
		}
		h.must(h.db.Write(ctx, func(tx *sqldb.Tx) error {
			if err := run(tx, migration(h.T, h.db, "0010_recommend_create.sql")...); err != nil {
				return err
			}
			for _, s := range migration(h.T, h.db, "0018_holders_extend.sql") {
				if strings.Contains(s, "recommend_versions") {
					if err := run(tx, s[strings.Index(s, "alter table recommend"):]); err != nil {
						return err
					}
				}
			}
			for n := int64(1); n <= 3; n++ {
				if err := oldVersion(h, tx, n); err != nil {
					return err
				}
			}
			return run(tx, migration(h.T, h.db, "0069_registry_take_recommender.sql")...)
		}))

		h.is("3 champion, 2 destroyed, 1 destroyed")
		v, err := h.Champion(ctx, model)
		if err != nil || v.Card.Data.People != 7 || v.Card.Data.Weights != 9 || v.Reason != `an "import"` || v.Signer != "" || string(v.Lineage.Recipe) != `{"name":"D200"}` {
			h.Errorf("the champion: %+v, %v", v, err)
		}
		h.fits()
		h.refuses(v, registry.RuleMissing)
		if next := h.releases("signed"); next.Number != 4 {
			h.Errorf("the next number is %d", next.Number)
		}
		h.fits()
	})
}

// oldVersion writes a version as it was written then; the third serves, and the second
// was withdrawn.
func oldVersion(h *house, tx *sqldb.Tx, n int64) error {
	at, hash := time.UnixMicro(1_700_000_000_000_000+n).UTC(), [32]byte{byte(n)}
	record := fmt.Sprintf(`{"model":"item-item","version":%d,"sha256":"%x","recipe":{"name":"D200"},"stats":{"people":7,"items":2,"interactions":8,"non_zeros":9},"reason":"an \"import\"","at":"%s"}`,
		n, hash, at.Format(time.RFC3339Nano))
	o, err := h.ledger.Queue(h.Context(), tx, ledger.Entry{Class: ledger.Model, At: at, Record: json.RawMessage(record)})
	if err != nil {
		return err
	}
	opening, err := o.MarshalBinary()
	if err != nil {
		return err
	}
	serving, gone, withdrawal := 0, any(nil), any(nil)
	if n == 3 {
		serving = 1
	}
	if n == 2 {
		record := fmt.Sprintf(`{"model":"item-item","version":2,"sha256":"%x","reason":"erasure","withdrawn":"%s"}`, hash, at.Format(time.RFC3339Nano))
		o, err := h.ledger.Queue(h.Context(), tx, ledger.Entry{Class: ledger.Model, At: at, Record: json.RawMessage(record)})
		if err != nil {
			return err
		}
		b, err := o.MarshalBinary()
		if err != nil {
			return err
		}
		gone, withdrawal = at.UnixMicro(), b
	}
	_, err = tx.Exec(h.Context(), `insert into recommend_versions (version, model, recipe, people, items, interactions, weights, bytes, train_ms, reason, trained_at, opening, serving, withdrawn_at, withdrawal)
		values ($1, $2, '{"name":"D200"}', 7, 2, 8, 9, 100, 5, 'an "import"', $3, $4, $5, $6, $7)`, n, hash[:], at.UnixMicro(), opening, serving, gone, withdrawal)
	return err
}
