(defsymphony "gold"
  {:asset-class "EQUITIES", :rebalance-frequency :daily}
  (if (> (stdev-return "GLD" {:window 10}) (stdev-return "GLD" {:window 100}))
    [(asset "BIL" nil)]
    [(if (> (moving-average-price "UGL" {:window 50}) (moving-average-price "UGL" {:window 200}))
       [(group "long trend up"
          [(if (> (rsi "UGL" {:window 20}) 80)
             [(asset "GLL" nil)]
             [(if (> (rsi "UGL" {:window 10}) 90)
                [(asset "GLL" nil)]
                [(if (> (rsi "UGL" {:window 2}) 99.9) [(asset "GLL" nil)] [(asset "UGL" nil)])])])])]
       [(if (> (moving-average-price "UGL" {:window 20}) (moving-average-price "UGL" {:window 50}))
          [(group "middle trend up"
             [(if (> (rsi "UGL" {:window 20}) 75)
                [(asset "GLL" nil)]
                [(if (> (rsi "UGL" {:window 2}) 99.9) [(asset "GLL" nil)] [(asset "UGL" nil)])])])]
          [(if (> (moving-average-price "UGL" {:window 5}) (moving-average-price "UGL" {:window 10}))
             [(if (> (rsi "UGL" {:window 10}) 60) [(asset "GLL" nil)] [(asset "UGL" nil)])]
             [(if (< (rsi "UGL" {:window 20}) 30) [(asset "UGL" nil)] [(asset "GLL" nil)])])])])]))
