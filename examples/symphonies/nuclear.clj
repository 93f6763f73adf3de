(defsymphony "NUCLEAR"
  {:asset-class "EQUITIES", :rebalance-frequency :daily}
  (if (> (rsi "SPY" {:window 10}) 79)
    [(if (> (rsi "SPY" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "IOO" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "TQQQ" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "VTV" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "XLF" {:window 10}) 81) [(asset "UVXY" nil)] [(weight-specified 0.75 (asset "UVXY" nil) 0.25 (asset "BTAL" nil))])])])])])]
    [
  (if (> (rsi "IOO" {:window 10}) 79)
    [(if (> (rsi "IOO" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "TQQQ" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "VTV" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "XLF" {:window 10}) 81) [(asset "UVXY" nil)] [(weight-specified 0.75 (asset "UVXY" nil) 0.25 (asset "BTAL" nil))])])])])]
    [
  (if (> (rsi "TQQQ" {:window 10}) 79)
    [(if (> (rsi "TQQQ" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "VTV" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "XLF" {:window 10}) 81) [(asset "UVXY" nil)] [(weight-specified 0.75 (asset "UVXY" nil) 0.25 (asset "BTAL" nil))])])])]
    [
  (if (> (rsi "VTV" {:window 10}) 79)
    [(if (> (rsi "VTV" {:window 10}) 81) [(asset "UVXY" nil)] [(if (> (rsi "XLF" {:window 10}) 81) [(asset "UVXY" nil)] [(weight-specified 0.75 (asset "UVXY" nil) 0.25 (asset "BTAL" nil))])])]
    [
  (if (> (rsi "XLF" {:window 10}) 79)
    [(if (> (rsi "XLF" {:window 10}) 81) [(asset "UVXY" nil)] [(weight-specified 0.75 (asset "UVXY" nil) 0.25 (asset "BTAL" nil))])]
    [
  (if (> (rsi "VOX" {:window 10}) 79)
    [(if (> (rsi "XLF" {:window 10}) 81) [(asset "UVXY" nil)] [(weight-specified 0.75 (asset "UVXY" nil) 0.25 (asset "BTAL" nil))])]
    [
  (if (< (rsi "TQQQ" {:window 10}) 30)
    [(asset "TQQQ" nil)]
    [
  (if (< (rsi "SPY" {:window 10}) 30)
    [(asset "UPRO" nil)]
    [
  (if (> (current-price "SPY") (moving-average-price "SPY" {:window 200}))
    [(group "bull"
       [(filter (moving-average-return {:window 90})
                (select-top 3)
                [(asset "SMR" nil) (asset "BWXT" nil) (asset "LEU" nil) (asset "EXC" nil) (asset "NLR" nil) (asset "OKLO" nil)])])]
    [(weight-inverse-volatility 14
       [(group "Bear 1"
          [(if (< (rsi "PSQ" {:window 10}) 35)
             [(asset "SQQQ" nil)]
             [(if (< (cumulative-return "QQQ" {:window 60}) -10)
                [(if (> (rsi "TLT" {:window 20}) (rsi "PSQ" {:window 20})) [(asset "TQQQ" nil)] [(asset "PSQ" nil)])]
                [(if (> (current-price "TQQQ") (moving-average-price "TQQQ" {:window 20}))
                   [(if (> (rsi "TLT" {:window 20}) (rsi "PSQ" {:window 20})) [(asset "TQQQ" nil)] [(asset "SQQQ" nil)])]
                   [(if (> (rsi "IEF" {:window 10}) (rsi "PSQ" {:window 20}))
                      [(asset "SQQQ" nil)]
                      [(if (> (rsi "TLT" {:window 20}) (rsi "PSQ" {:window 20})) [(asset "QQQ" nil)] [(asset "SQQQ" nil)])])])])])])
        (group "Bear 2"
          [(if (< (rsi "PSQ" {:window 10}) 35)
             [(asset "SQQQ" nil)]
             [(if (> (current-price "TQQQ") (moving-average-price "TQQQ" {:window 20}))
                [(if (> (rsi "TLT" {:window 20}) (rsi "PSQ" {:window 20})) [(asset "TQQQ" nil)] [(asset "SQQQ" nil)])]
                [(if (> (rsi "TLT" {:window 20}) (rsi "PSQ" {:window 20})) [(asset "QQQ" nil)] [(asset "SQQQ" nil)])])])])])])])])])])])])])]))
