package template

import "testing"

func TestLayoutMistake(t *testing.T) {
	for _, good := range []string{
		"2006-01-02", "02.01.2006", "2006-01-02T15:04:05Z07:00", "20060102", "Mon, 02 Jan 2006 15:04:05 MST", "January 2", "3:04pm", "15h04", "le 2/1/06 à 15h", "06", "2006-01-02T15:04:05.000Z",
	} {
		if why := LayoutMistake(good); why != "" {
			t.Errorf("%q %s", good, why)
		}
	}
	for _, bad := range []string{"", "YYYY-MM-DD", "dd.MM.yyyy", "%Y-%m-%d", "yyyyMMdd", "unixx", "2006-MM-02", "2006-01-02THH:04", "%d.01.2006", "2006-01-02 15:mm"} {
		if LayoutMistake(bad) == "" {
			t.Errorf("%q is accepted", bad)
		}
	}
}
