package subjectdb_test

import (
	"testing"

	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

func TestTheOldestNameOfAPersonComesFirstWhicheverSubjectHasIt(t *testing.T) {
	each(t, func(h shop) {
		old := h.person("zoe@example.org")
		young := h.person("ada@example.org")
		var got []subject.Identifier
		err := h.core.Read(ctx, func(tx *sqldb.Tx) (err error) {
			got, err = h.s.IdentifiersTx(ctx, tx, young, old)
			return err
		})
		// Revealed to compare them.
		if err != nil || len(got) != 2 || got[0].Value.Reveal() != "zoe@example.org" || got[1].Value.Reveal() != "ada@example.org" {
			h.t.Errorf("%d names, the youngest first: %v", len(got), err)
		}
	})
}
