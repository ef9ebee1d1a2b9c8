package subject

import (
	"strings"
	"unicode"
)

// placeholders are what programs write where they know no value, in lower case.
// One person under such a "number" would be everybody's.
var placeholders = map[string]bool{
	"null": true, "(null)": true, "nil": true, "none": true, "undefined": true, "unknown": true, "empty": true,
	"n/a": true, "na": true, "#n/a": true, "nan": true, "false": true, "true": true, "-1": true,
	"test": true, "anonymous": true, "guest": true, "default": true, "[object object]": true,
}

// blocked returns the rule that a normalized value breaks by saying nobody, or "".
func blocked(kind Kind, v string) (rule string) {
	folded := strings.ToLower(v)
	if kind == Email {
		// The name before the @ decides: test@ is a mailbox, null@ is a bug.
		folded, _, _ = strings.Cut(folded, "@")
		if folded == "test" || folded == "guest" || folded == "default" {
			return ""
		}
	}
	switch {
	case placeholders[folded]:
		return "a value was expected, not a placeholder such as null or unknown"
	case !strings.ContainsFunc(v, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsSymbol(r) && r > unicode.MaxASCII
	}):
		return "a value with a letter or a digit was expected"
	case kind != Email && strings.Trim(v, "0-{}.:+ ") == "":
		return "a value other than zeros was expected"
	}
	return ""
}
