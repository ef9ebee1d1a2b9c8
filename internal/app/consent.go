package app

import (
	"context"
	"errors"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// unnamed is what a record of consent says of a controller that nobody configured. It
// is honest, and it stands out.
const unnamed = "not configured"

// controller is who answers for the use of the data.
func (c *Config) controller() consent.Controller {
	or := func(value string) string {
		if value == "" {
			return unnamed
		}
		return value
	}
	return consent.Controller{Name: or(c.ControllerName), Contact: or(c.ControllerContact)}
}

// children are those whom somebody answers for as a guardian: nobody answers for whoever is
// known to be grown up. Each part of a relation
// is opened to the person whose part it is.
func (d *doors) children(ctx context.Context, guardian thimble.SubjectID) ([]thimble.SubjectID, error) {
	relations, err := d.Subjects.Relations(ctx, guardian)
	if err != nil || len(relations) == 0 {
		return nil, err
	}
	grant, err := d.own(ctx, guardian, subject.RelationCategory)
	if err != nil {
		return nil, err
	}
	var all []thimble.SubjectID
	for _, r := range relations {
		plain, err := grant.Open(ctx, r.Cell, r.Sealed)
		if err != nil {
			return nil, err
		}
		part, err := subject.ParsePart(plain)
		if err != nil {
			return nil, err
		}
		if !part.Answers() {
			continue
		}
		var age consent.Age
		err = d.Core.Read(ctx, func(tx *sqldb.Tx) (err error) {
			age, err = d.age(ctx, tx, r.Other)
			return err
		})
		if errors.Is(err, thimble.ErrNotFound) {
			continue // erased
		}
		if err != nil {
			return nil, err
		}
		if !age.Adult {
			all = append(all, r.Other)
		}
	}
	return all, nil
}
