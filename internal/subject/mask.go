package subject

import (
	"strings"
	"unicode/utf8"
)

// Mask shows enough of an identifier for somebody who is told it to know it again, and no
// more: the last two characters of a number, the first letters around the @ of an address.
func Mask(k Kind, value string) string {
	const dots = "•••"
	if k == Email {
		local, domain, ok := strings.Cut(value, "@")
		name, end, _ := strings.Cut(domain, ".")
		if ok && end != "" {
			return head(local) + dots + "@" + head(name) + dots + "." + end[strings.LastIndexByte(end, '.')+1:]
		}
		return dots
	}
	runes := []rune(value)
	if len(runes) < 5 { // half of it would be shown
		return dots
	}
	return dots + string(runes[len(runes)-2:])
}

func head(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError {
		return ""
	}
	return string(r)
}
