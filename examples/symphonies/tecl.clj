(defsymphony "TECL For The Long Term"
  {:asset-class "EQUITIES", :rebalance-frequency :daily}
  (weight-equal
   [(if (> (current-price "SPY") (moving-average-price "SPY" {:window 200}))
      [(group "above the 200-day average"
         [(if (> (rsi "TQQQ" {:window 10}) 79)
            [(weight-specified 0.25 (asset "UVXY" nil) 0.75 (asset "BIL" nil))]
            [(if (> (rsi "SPY" {:window 10}) 80)
               [(weight-specified 0.25 (asset "UVXY" nil) 0.75 (asset "BIL" nil))]
               [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                  [(if (> (rsi "XLK" {:window 10}) 81) [(asset "BIL" nil)] [(asset "TECL" nil)])]
                  [(if (< (rsi "XLK" {:window 10}) 29) [(asset "TECL" nil)] [(asset "BIL" nil)])])])])])]
      [(group "below the 200-day average"
         [(if (< (rsi "TQQQ" {:window 10}) 31)
            [(asset "TECL" nil)]
            [(if (< (rsi "SPXL" {:window 10}) 29)
               [(asset "SPXL" nil)]
               [(if (> (rsi "UVXY" {:window 10}) 84)
                  [(weight-specified 0.15 (asset "UVXY" nil) 0.85 (asset "BIL" nil))]
                  [(if (> (rsi "UVXY" {:window 10}) 74)
                     [(asset "BIL" nil)]
                     [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                        [(if (> (rsi "XLK" {:window 10}) 81) [(asset "BIL" nil)] [(asset "TECL" nil)])]
                        [(if (< (rsi "XLK" {:window 10}) 29)
                           [(asset "TECL" nil)]
                           [(filter (rsi {:window 9})
                                    (select-top 1)
                                    [(asset "SQQQ" nil) (asset "BSV" nil)])])])])])])])])])]))
