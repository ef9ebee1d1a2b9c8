package subject

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"thimble"
)

// A Residence is where a person lives, and how we know. An address of the internet
// is no evidence.
type Residence struct {
	Country  string    `json:"country"`  // ISO 3166-1 alpha-2, or "" for unknown
	Evidence string    `json:"evidence"` // such as "order" or "declared"
	At       time.Time `json:"at"`       // when the evidence was seen
}

// Validate returns an error of kind thimble.ErrInvalid that names field and rule.
func (r Residence) Validate() error {
	switch {
	case r.Country != "" && !IsCountry(r.Country):
		return fmt.Errorf("subject: residence: country: an ISO 3166-1 alpha-2 code such as FR was expected: %w", thimble.ErrInvalid)
	case r.Evidence == "" || len(r.Evidence) > 64:
		return fmt.Errorf("subject: residence: evidence: 1 to 64 bytes were expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// ResidenceCell returns the cell in which a person's residence is sealed.
func ResidenceCell(s thimble.SubjectID) thimble.Cell {
	return thimble.Cell{Owner: s, Table: "subject_subjects", Column: "residence", Row: s[:], Category: thimble.Country}
}

// OpenResidence opens the stored residence of one of the grant's subjects. No
// residence is the zero value: unknown.
func OpenResidence(ctx context.Context, grant thimble.Grant, of thimble.SubjectID, sealed []byte) (Residence, error) {
	if sealed == nil {
		return Residence{}, nil
	}
	plain, err := grant.Open(ctx, ResidenceCell(of), sealed)
	if err != nil {
		return Residence{}, fmt.Errorf("subject: residence of a person: %w", err)
	}
	return ParseResidence(plain)
}

// ParseResidence reads what [Residence.Bytes] wrote.
func ParseResidence(plain []byte) (r Residence, err error) {
	if err := json.Unmarshal(plain, &r); err != nil {
		// The cause may quote the value.
		return Residence{}, fmt.Errorf("subject: a stored residence cannot be read: %w", thimble.ErrInvalid)
	}
	return r, nil
}

// Bytes returns what is sealed.
func (r Residence) Bytes() ([]byte, error) {
	r.At = r.At.UTC()
	return json.Marshal(r)
}

// IsCountry reports whether code is an officially assigned code of ISO 3166-1
// alpha-2 (249 of them, 2024).
func IsCountry(code string) bool {
	i := strings.Index(countries, code)
	return len(code) == 2 && i >= 0 && i%3 == 0
}

const countries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
