package intake

import (
	"context"

	"thimble"
	"thimble/internal/subject"
)

// People knows whose an identifier is; *subjectdb.Store does.
type People interface {
	// FindAll returns the subject of each identifier, zero for none.
	FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error)
}
