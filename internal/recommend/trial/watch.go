package trial

import (
	"fmt"
	"math"
	"time"
)

// A Day is what came of lists on one day. It holds counts and names nobody.
type Day struct {
	Day                                     time.Time
	Shown, Clicked, Added, Bought, Returned int64
}

// The spans of the watch, in days: the rate and its noise are learned from the days before
// the watched ones.
const (
	learnedDays = 28
	watchedDays = 7
	leastDays   = 14 // of learned ones that have lists
	leastClicks = 50 // in them
	slack       = 0.5
	limit       = 4.0
	sigmas      = 3.0
)

// WatchDays is how many whole days the watch looks at.
const WatchDays = learnedDays + watchedDays

// A Drop is what the watch over live rates found.
type Drop struct {
	Fell      bool
	Usual     float64 // the rate of the learned days
	Lately    float64 // of the watched ones
	CUSUM     float64
	Worst     float64 // the lowest day, in standard deviations
	Enough    bool    // there was enough to learn from
	Overnoise float64 // how much more days differ than chance alone has them
}

// Words says what was found.
func (d Drop) Words() string {
	switch {
	case !d.Enough:
		return fmt.Sprintf("Too little was seen to tell a drop from chance: it takes %d days with lists and %d clicks.", leastDays, leastClicks)
	case d.Fell:
		return fmt.Sprintf("Clicks per list fell from %.2f %% to %.2f %%, more than the days differ by themselves.", 100*d.Usual, 100*d.Lately)
	}
	return "Clicks per list are as usual."
}

// Watch tells a drop of clicks per list within the last week from noise. Days are whole
// ones, the last of them yesterday's. The rate and how much days differ are learned from
// the four weeks before; a day that is three standard deviations lower is a drop, and so is
// a run of lower days whose CUSUM (slack 0.5) comes over 4.
func Watch(days []Day, today time.Time) (d Drop) {
	today = today.UTC().Truncate(24 * time.Hour)
	var learned, watched []Day
	for _, day := range days {
		switch age := int(today.Sub(day.Day) / (24 * time.Hour)); {
		case day.Shown == 0 || age < 1:
		case age <= watchedDays:
			watched = append(watched, day)
		case age <= WatchDays:
			learned = append(learned, day)
		}
	}
	shown, clicked := total(learned)
	if len(learned) < leastDays || clicked < leastClicks || clicked >= shown || len(watched) == 0 {
		return d
	}
	d.Enough, d.Usual = true, clicked/shown
	chance := d.Usual * (1 - d.Usual)
	for _, day := range learned {
		off := float64(day.Clicked) - float64(day.Shown)*d.Usual
		d.Overnoise += off * off / (float64(day.Shown) * chance)
	}
	d.Overnoise = max(1, d.Overnoise/float64(len(learned)-1))
	s := 0.0
	for _, day := range watched {
		n := float64(day.Shown)
		z := (float64(day.Clicked)/n - d.Usual) / math.Sqrt(chance*d.Overnoise*(1/n+1/shown))
		d.Worst = min(d.Worst, z)
		s = max(0, s-z-slack)
		d.CUSUM = max(d.CUSUM, s)
	}
	shown, clicked = total(watched)
	d.Lately = clicked / shown
	d.Fell = d.CUSUM > limit || d.Worst < -sigmas
	return d
}

func total(days []Day) (shown, clicked float64) {
	for _, d := range days {
		shown += float64(d.Shown)
		clicked += float64(min(d.Clicked, d.Shown))
	}
	return shown, clicked
}

// Worse reports whether a measure between 0 and 1 fell by more than three standard
// deviations from one version to the next, each measured on so many people. The spread of
// such a measure is at most that of a coin with its mean.
func Worse(before float64, people int, now float64, peopleNow int) bool {
	if people < 1 || peopleNow < 1 {
		return false
	}
	v := before*(1-before)/float64(people) + now*(1-now)/float64(peopleNow)
	return before-now > sigmas*math.Sqrt(max(v, 0)) && now < before
}
