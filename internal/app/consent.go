package app

import (
	"context"
	"fmt"

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

// asks tells the consents what they need to know of a person before they are asked, or
// answer: where they live, and whether they are a child. Neither leaves the kernel.
func (k *Kernel) asks() {
	k.Consent.Residences(k.residence)
	k.Consent.Ages(k.age)
}

// residence is the country in which somebody lives, by evidence; "" when unknown.
func (k *Kernel) residence(ctx context.Context, who thimble.SubjectID) (string, error) {
	sealed, err := k.Subjects.Residence(ctx, who)
	if err != nil || sealed == nil {
		return "", err
	}
	plain, err := k.Vault.Open(ctx, subject.ResidenceCell(who), sealed)
	if err != nil {
		return "", fmt.Errorf("opening a residence: %w", err)
	}
	home, err := subject.ParseResidence(plain)
	return home.Country, err
}

// age is what is known of somebody's age. When a child comes of age is not: a guardian
// says it with their yes.
func (k *Kernel) age(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (consent.Age, error) {
	sealed, err := k.Subjects.AgeTx(ctx, tx, who)
	if err != nil || sealed == nil {
		return consent.Age{}, err
	}
	plain, err := k.Vault.Open(ctx, subject.AgeCell(who), sealed)
	if err != nil {
		return consent.Age{}, fmt.Errorf("opening an age: %w", err)
	}
	age, err := subject.ParseAge(plain)
	return consent.Age{Known: age.Adult() || age.Minor(), Adult: age.Adult()}, err
}

// children are those whom somebody answers for as a guardian. Each part of a relation
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
		if part.Answers() {
			all = append(all, r.Other)
		}
	}
	return all, nil
}
