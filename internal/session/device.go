package session

import "strings"

// families are looked for in this order: a browser says it is also those it stems from.
var families = [][2]string{
	{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
	{"CriOS/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
}

var systems = [][2]string{
	{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
	{"Macintosh", "macOS"}, {"Linux", "Linux"},
}

// UnknownDevice names a browser that does not say what it is.
const UnknownDevice = "Another browser"

// Device names a browser by its family and its system, so that its owner knows it
// again and nobody else could: "Firefox on Linux". The versions, builds and models in
// a User-Agent header tell browsers apart (RFC 9110, 10.1.5), and are dropped.
func Device(userAgent string) string {
	family, system := first(families, userAgent), first(systems, userAgent)
	switch {
	case family == "" && system == "":
		return UnknownDevice
	case system == "":
		return family
	case family == "":
		return "A browser on " + system
	}
	return family + " on " + system
}

func first(names [][2]string, in string) string {
	for _, n := range names {
		if strings.Contains(in, n[0]) {
			return n[1]
		}
	}
	return ""
}
