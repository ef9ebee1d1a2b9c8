package disclosedb_test

import (
	"thimble"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/sqldb"
)

type tx = sqldb.Tx

func (s *shop) write(f func(*tx) error) error { return s.Core.Write(s.tb.Context(), f) }

// own lends a test the vault as a grant.
type own struct {
	disclosedb.Vault
	who thimble.SubjectID
}

func (o own) Subject() thimble.SubjectID   { return o.who }
func (o own) Members() []thimble.SubjectID { return []thimble.SubjectID{o.who} }
func (o own) Purpose() thimble.Purpose     { return thimble.LegalObligation }
