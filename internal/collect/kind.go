package collect

import (
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/collect/table"
	"thimble/internal/subject"
)

// A Kind says what the rows of a source are.
type Kind string

// The kinds.
const (
	Orders    Kind = "orders" // with returns
	Customers Kind = "customers"
	Products  Kind = "products"
	Stock     Kind = "stock"
	Reviews   Kind = "reviews"
	Consents  Kind = "consents"
)

// Kinds lists all, in the order in which a shop brings them: whoever has consents or
// reviews is there first.
func Kinds() []Kind { return []Kind{Customers, Products, Stock, Orders, Reviews, Consents} }

// Known reports whether there is such a kind.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// Personal reports whether the rows are about people.
func (k Kind) Personal() bool { return k != Products && k != Stock }

// A need is a category of data that rows of a kind may have.
type need struct {
	category thimble.Category
	fields   []string // that it is in
	must     bool     // without it there is nothing to import
}

// A spec is what is known of a kind.
type spec struct {
	fields  []table.Field
	presets []table.Preset
	needs   []need
	// some has fields of which one at least must have a column.
	some []string
	// nobody lists what is never kept of a row, although columns for it are common.
	nobody []string
}

// Email, Phone and State are categories of what imports bring.
var (
	emailCategory = subject.Email.Category()
	phoneCategory = subject.Phone.Category()
)

// The categories that only imports write.
const (
	NameCategory   thimble.Category = "user.name"
	StateCategory  thimble.Category = "user.contact.address.state"
	ReviewCategory thimble.Category = "user.content.public"
)

var specs = map[Kind]spec{
	Orders: {
		fields: orderFields, presets: orderPresets, needs: []need{
			{category: thimble.PurchaseHistory, must: true},
			{category: thimble.AccountIdentifier, fields: []string{"customer"}},
			{category: emailCategory, fields: []string{"email"}},
			{category: thimble.Country, fields: []string{"country"}},
		},
	},
	Customers: {
		fields: customerFields, presets: customerPresets, some: []string{"account", "email", "phone"}, needs: []need{
			{category: thimble.AccountIdentifier, fields: []string{"account"}},
			{category: emailCategory, fields: []string{"email"}},
			{category: phoneCategory, fields: []string{"phone"}},
			{category: NameCategory, fields: []string{"name", "first_name", "last_name"}},
			{category: thimble.Country, fields: []string{"country"}},
			{category: StateCategory, fields: []string{"region"}},
			{category: subject.AgeCategory, fields: []string{"birthday"}},
		},
	},
	Products: {fields: productFields, presets: productPresets},
	Stock:    {fields: stockFields, presets: stockPresets},
	Reviews: {
		fields: reviewFields, needs: []need{
			{category: ReviewCategory, must: true},
			{category: thimble.AccountIdentifier, fields: []string{"customer"}},
			{category: emailCategory, fields: []string{"email"}},
		},
	},
	Consents: {
		fields: consentFields, some: []string{"account", "email", "phone"}, needs: []need{{category: thimble.PrivacyPreferences, must: true}},
	},
}

// Fields returns what columns of a kind may mean.
func Fields(k Kind) []table.Field { return specs[k].fields }

// CheckMapping refuses a mapping that is not for the kind; its error is of kind
// thimble.ErrInvalid and names field and rule.
func CheckMapping(k Kind, m table.Mapping) error {
	s, ok := specs[k]
	if !ok {
		return fmt.Errorf("collect: kind: one of %q was expected: %w", Kinds(), thimble.ErrInvalid)
	}
	if err := m.Check(string(k), s.fields); err != nil {
		return err
	}
	if len(s.some) > 0 && !slices.ContainsFunc(s.some, func(f string) bool { return m.Columns[f] != "" }) {
		return fmt.Errorf("collect: mapping: columns: one for %s was expected: %w", listed(s.some), thimble.ErrInvalid)
	}
	return nil
}

func listed(words []string) string {
	text := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			text += " or "
		default:
			text += ", "
		}
		text += w
	}
	return text
}
