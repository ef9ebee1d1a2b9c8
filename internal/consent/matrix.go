package consent

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"thimble"
)

// A Matrix says what a yes under a notice covers: for each purpose the categories of
// data and who outside is given them. A yes covers its own notice's matrix and
// nothing that was added to a later one.
type Matrix []Covered

// Covered is one line of a matrix.
type Covered struct {
	Purpose    thimble.Purpose    `json:"purpose"`
	Categories []thimble.Category `json:"categories"`
	Recipients []string           `json:"recipients,omitempty"`
}

func matrixOf(asks []Ask) Matrix {
	m := make(Matrix, len(asks))
	for i, a := range asks {
		m[i] = Covered{Purpose: a.Purpose, Categories: slices.Clone(a.Categories), Recipients: slices.Clone(a.Recipients)}
		slices.Sort(m[i].Categories)
		slices.Sort(m[i].Recipients)
	}
	slices.SortFunc(m, func(a, b Covered) int { return cmp.Compare(a.Purpose, b.Purpose) })
	return m
}

// Covers reports whether a yes under the matrix covers a use of a category for a
// purpose, with a recipient when one is named. What a matrix does not say it does not
// cover: an empty one covers nothing.
func (m Matrix) Covers(p thimble.Purpose, c thimble.Category, recipient string) bool {
	for _, line := range m {
		if line.Purpose == p {
			return slices.ContainsFunc(line.Categories, c.Within) && (recipient == "" || slices.Contains(line.Recipients, recipient))
		}
	}
	return false
}

// Grew reports whether the matrix asks for more than an older one covers, for a
// purpose: only then is somebody asked again before their yes runs out. Under less,
// the old yes goes on.
func (m Matrix) Grew(old Matrix, p thimble.Purpose) bool {
	for _, line := range m {
		if line.Purpose != p {
			continue
		}
		for _, c := range line.Categories {
			if !old.Covers(p, c, "") {
				return true
			}
			for _, r := range line.Recipients {
				if !old.Covers(p, c, r) {
					return true
				}
			}
		}
	}
	return false
}

// Marshal writes the matrix as it is kept with its notice.
func (m Matrix) Marshal() (string, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("consent: writing what a notice covers: %w", err)
	}
	return string(b), nil
}

// UnmarshalMatrix reads it. Of a notice that was kept without one nothing is known,
// and so it covers nothing.
func UnmarshalMatrix(text string) (m Matrix, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("consent: a kept matrix cannot be read: %w", thimble.ErrInvalid)
	}
	return m, nil
}
