package source

import "testing"

func TestCompareVersions(t *testing.T) {
	ascending := []string{
		"", "0", "00", "01", "1", "2", "9", "010", "10", "10-1", "10.2", "10a",
		"2026-05-17T0930", "2026-05-17T2208", "2026-5-18", "2026-05-18T1356", "2026-05-18T1356b",
		"99999999999999999999998", "99999999999999999999999", "100000000000000000000000", "a", "a1", "a1b", "a2", "a10", "a10b2", "a10b10", "b",
	}
	for i, a := range ascending {
		for k, b := range ascending {
			want := 0
			if i < k {
				want = -1
			} else if i > k {
				want = 1
			}
			if got := CompareVersions(a, b); got != want {
				t.Errorf("CompareVersions(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestAsOf(t *testing.T) {
	var deliveries []Delivery
	for _, v := range []string{"2026-05-09T2208", "2026-05-18T0100", "2026-05-18T1356", "2026-05-20T0000"} {
		deliveries = append(deliveries, Delivery{Version: v})
	}
	for asOf, want := range map[string]int{
		"": 4, "2026-05-18": 3, "2026-05-18T1": 3, "2026-05-18T0100": 2, "2026-05-18T0200": 2, "2026-05-1": 3, "2026-05-09": 1, "2026-05-08": 0, "2027": 4, "9": 0,
	} {
		if got := len(AsOf(deliveries, asOf)); got != want {
			t.Errorf("as of %q: %d deliveries, want %d", asOf, got, want)
		}
	}
}

func FuzzCompareVersions(f *testing.F) {
	f.Add("a10", "a9", "a010")
	f.Add("1", "01", "1a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if CompareVersions(a, b) != -CompareVersions(b, a) {
			t.Errorf("%q and %q", a, b)
		}
		if (CompareVersions(a, b) == 0) != (a == b) {
			t.Errorf("%q equals %q", a, b)
		}
		if CompareVersions(a, b) < 0 && CompareVersions(b, c) < 0 && CompareVersions(a, c) >= 0 {
			t.Errorf("%q < %q < %q", a, b, c)
		}
	})
}
