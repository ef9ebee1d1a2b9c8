package disclosedb

// Pause has f called at crash points: taken, sending, sent.
func (s *Store) Pause(f func(at string)) { s.pause = f }
