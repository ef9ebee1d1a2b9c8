package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"thimble"
)

func (k *Kit) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":    k.Asset,
		"age":      func(t time.Time) string { return Age(k.now(), t) },
		"num":      func(v any) string { return Text(v) },
		"money":    Money,
		"percent":  Percent,
		"plural":   Plural,
		"token":    ShortToken,
		"date":     Date,
		"clock":    Clock,
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"text":     Text,
		"kindof":   kindOf,
		"swatch":   Swatch,
		"monogram": Monogram,
		"dict":     dict,
		"list":     func(v ...any) []any { return v },
		"action":   func(label, href string) Action { return Action{Label: label, Href: href} },
		"badge":    func(text string, tone Tone) Badge { return Badge{Text: text, Tone: tone} },
	}
}

// dict makes a map of name and value pairs, for a block that takes several values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("web: dict: %d values do not make pairs", len(pairs))
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("web: dict: name %d is not a string", i/2)
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// Ago is a time shown by its age.
type Ago time.Time

// Time is the time itself.
func (a Ago) Time() time.Time { return time.Time(a) }

// Day is a time shown by its date.
type Day time.Time

// Time is the time itself.
func (d Day) Time() time.Time { return time.Time(d) }

// Token is a long identifier, shown short.
type Token string

// kindOf says which block of value.html draws a value.
func kindOf(v any) string {
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return "none"
		}
		return "time"
	case Ago:
		return "ago"
	case Day:
		return "day"
	case Token:
		return "token"
	case Badge:
		return "badge"
	case []Badge:
		return "badges"
	case Meter:
		return "meter"
	case Action:
		return "action"
	case []Action:
		return "actions"
	case nil:
		return "none"
	}
	if Text(v) == "" {
		return "none"
	}
	return "text"
}

// Text writes a value for people: numbers with separators, money with its sign,
// times in UTC. A [thimble.Personal] stays hidden.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return group(strconv.Itoa(v))
	case int32:
		return group(strconv.FormatInt(int64(v), 10))
	case int64:
		return group(strconv.FormatInt(v, 10))
	case uint64:
		return group(strconv.FormatUint(v, 10))
	case float64:
		return Number(v)
	case thimble.Money:
		return Money(v)
	case time.Time:
		return Clock(v)
	case time.Duration:
		return v.Round(time.Millisecond).String()
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(v)
}

// Number writes f with thousands separators and as many decimals as its size needs.
func Number(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "–"
	}
	decimals := 0
	switch size := math.Abs(f); {
	case f == math.Trunc(f):
	case size < 1:
		decimals = 3
	case size < 100:
		decimals = 2
	case size < 10_000:
		decimals = 1
	}
	s := strconv.FormatFloat(f, 'f', decimals, 64)
	if whole, part, ok := strings.Cut(s, "."); ok {
		if part = strings.TrimRight(part, "0"); part == "" {
			return group(whole)
		}
		return group(whole) + "." + part
	}
	return group(s)
}

// group puts a comma between thousands, and a true minus before a negative number.
func group(digits string) string {
	digits, negative := strings.CutPrefix(digits, "-")
	var b strings.Builder
	if negative && strings.Trim(digits, "0") != "" {
		b.WriteString("\u2212")
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Money writes an amount with its currency's sign and number of decimals.
func Money(m thimble.Money) string {
	decimals := 2
	switch m.Currency {
	case "JPY", "KRW", "CLP", "ISK", "VND", "XAF", "XOF", "XPF":
		decimals = 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		decimals = 3
	}
	digits, negative := strings.CutPrefix(strconv.FormatInt(m.Minor, 10), "-")
	if pad := decimals + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	cut := len(digits) - decimals
	amount := group(digits[:cut])
	if decimals > 0 {
		amount += "." + digits[cut:]
	}
	sign := map[string]string{"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹"}[m.Currency]
	if sign != "" {
		amount = sign + amount
	} else if m.Currency != "" {
		amount += "\u00a0" + m.Currency
	}
	if negative {
		return "\u2212" + amount
	}
	return amount
}

// Percent writes a share from 0 to 1.
func Percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return "–"
	}
	decimals := 1
	if p := math.Abs(share * 100); p >= 10 || p == math.Trunc(p) {
		decimals = 0
	}
	return strconv.FormatFloat(share*100, 'f', decimals, 64) + "\u00a0%"
}

// Plural writes a count with its word.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Text(n) + " " + many
}

// ShortToken keeps the head of a long token, enough to tell two apart on a page.
func ShortToken(v any) string {
	s := fmt.Sprint(v)
	head := strings.IndexByte(s, '_') + 1
	if len(s) <= head+10 {
		return s
	}
	return s[:head+8] + "…"
}

// Date writes the day in UTC.
func Date(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// Clock writes day and minute in UTC.
func Clock(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// Age writes how long ago t was, or how far ahead, in one unit.
func Age(now, t time.Time) string {
	d := now.Sub(t)
	tail, ahead := " ago", ""
	if d < 0 {
		d, tail, ahead = -d, "", "in "
	}
	day := 24 * time.Hour
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return ahead + Plural(int(d/time.Minute), "minute", "minutes") + tail
	case d < day:
		return ahead + Plural(int(d/time.Hour), "hour", "hours") + tail
	case d < 60*day:
		return ahead + Plural(int(d/day), "day", "days") + tail
	case d < 730*day:
		return ahead + Plural(int(d/(30*day)), "month", "months") + tail
	}
	return ahead + Plural(int(d/(365*day)), "year", "years") + tail
}
