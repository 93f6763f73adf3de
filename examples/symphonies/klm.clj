(defsymphony
 "KLM"
 {:asset-class "EQUITIES", :rebalance-threshold 0.1}
 (group "most volatile variant"
  [(filter (stdev-return {:window 5}) (select-top 1)
   [(group "506/38"
    [(if (> (rsi "QQQE" {:window 10}) 79)
     [(asset "UVXY" nil)]
     [(if (> (rsi "VTV" {:window 10}) 79)
      [(asset "UVXY" nil)]
      [(if (> (rsi "VOX" {:window 10}) 79)
       [(asset "UVXY" nil)]
       [(if (> (rsi "TECL" {:window 10}) 79)
        [(asset "UVXY" nil)]
        [(if (> (rsi "VOOG" {:window 10}) 79)
         [(asset "UVXY" nil)]
         [(if (> (rsi "VOOV" {:window 10}) 79)
          [(asset "UVXY" nil)]
          [(if (> (rsi "XLP" {:window 10}) 75)
           [(asset "UVXY" nil)]
           [(if (> (rsi "TQQQ" {:window 10}) 79)
            [(asset "UVXY" nil)]
            [(if (> (rsi "XLY" {:window 10}) 80)
             [(asset "UVXY" nil)]
             [(if (> (rsi "FAS" {:window 10}) 80)
              [(asset "UVXY" nil)]
              [(if (> (rsi "SPY" {:window 10}) 80)
               [(asset "UVXY" nil)]
               [(if (> (rsi "UVXY" {:window 21}) 65)
                [(if (> (rsi "SPY" {:window 21}) 30)
                 [(asset "VIXM" nil)]
                 [(asset "SPXL" nil)])]
                [(if (< (rsi "TQQQ" {:window 10}) 30)
                 [(asset "TECL" nil)]
                 [(if (< (rsi "SOXL" {:window 10}) 30)
                  [(asset "SOXL" nil)]
                  [(if (< (rsi "SPXL" {:window 10}) 30)
                   [(asset "SPXL" nil)]
                   [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                    [(asset "FNGU" nil)]
                    [(filter (stdev-return {:window 6}) (select-bottom 1)
                     [(asset "UUP" nil)
                      (asset "FTLS" nil)
                      (asset "KMLM" nil)])])])])])])])])])])])])])])])])])])
    (group "1280/26"
    [(if (> (rsi "QQQE" {:window 10}) 79)
     [(asset "UVXY" nil)]
     [(if (> (rsi "VTV" {:window 10}) 79)
      [(asset "UVXY" nil)]
      [(if (> (rsi "VOX" {:window 10}) 79)
       [(asset "UVXY" nil)]
       [(if (> (rsi "TECL" {:window 10}) 79)
        [(asset "UVXY" nil)]
        [(if (> (rsi "VOOG" {:window 10}) 79)
         [(asset "UVXY" nil)]
         [(if (> (rsi "VOOV" {:window 10}) 79)
          [(asset "UVXY" nil)]
          [(if (> (rsi "XLP" {:window 10}) 75)
           [(asset "UVXY" nil)]
           [(if (> (rsi "TQQQ" {:window 10}) 79)
            [(asset "UVXY" nil)]
            [(if (> (rsi "XLY" {:window 10}) 80)
             [(asset "UVXY" nil)]
             [(if (> (rsi "FAS" {:window 10}) 80)
              [(asset "UVXY" nil)]
              [(if (> (rsi "SPY" {:window 10}) 80)
               [(asset "UVXY" nil)]
               [(if (< (rsi "TQQQ" {:window 10}) 30)
                [(asset "TECL" nil)]
                [(if (< (rsi "SOXL" {:window 10}) 30)
                 [(asset "SOXL" nil)]
                 [(if (< (rsi "SPXL" {:window 10}) 30)
                  [(asset "SPXL" nil)]
                  [(if (< (rsi "LABU" {:window 10}) 25)
                   [(asset "LABU" nil)]
                   [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                    [(filter (rsi {:window 10}) (select-bottom 2)
                     [(asset "TECL" nil)
                      (asset "SOXL" nil)
                      (asset "SVIX" nil)])]
                    [(filter (rsi {:window 10}) (select-top 1)
                     [(asset "SQQQ" nil)
                      (asset "TLT" nil)])])])])])])])])])])])])])])])])])])
    (group "1200/28"
    [(if (> (rsi "QQQE" {:window 10}) 79)
     [(asset "UVXY" nil)]
     [(if (> (rsi "VTV" {:window 10}) 79)
      [(asset "UVXY" nil)]
      [(if (> (rsi "VOX" {:window 10}) 79)
       [(asset "UVXY" nil)]
       [(if (> (rsi "TECL" {:window 10}) 79)
        [(asset "UVXY" nil)]
        [(if (> (rsi "VOOG" {:window 10}) 79)
         [(asset "UVXY" nil)]
         [(if (> (rsi "VOOV" {:window 10}) 79)
          [(asset "UVXY" nil)]
          [(if (> (rsi "XLP" {:window 10}) 75)
           [(asset "UVXY" nil)]
           [(if (> (rsi "TQQQ" {:window 10}) 79)
            [(asset "UVXY" nil)]
            [(if (> (rsi "XLY" {:window 10}) 80)
             [(asset "UVXY" nil)]
             [(if (> (rsi "FAS" {:window 10}) 80)
              [(asset "UVXY" nil)]
              [(if (> (rsi "SPY" {:window 10}) 80)
               [(asset "UVXY" nil)]
               [(if (> (rsi "UVXY" {:window 21}) 65)
                [(if (> (rsi "SPY" {:window 21}) 30)
                 [(asset "VIXM" nil)]
                 [(asset "SPXL" nil)])]
                [(if (< (rsi "TQQQ" {:window 10}) 30)
                 [(asset "TECL" nil)]
                 [(if (< (rsi "SOXL" {:window 10}) 30)
                  [(asset "SOXL" nil)]
                  [(if (< (rsi "SPXL" {:window 10}) 30)
                   [(asset "SPXL" nil)]
                   [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                    [(filter (rsi {:window 10}) (select-bottom 1)
                     [(asset "TECL" nil)
                      (asset "SOXL" nil)
                      (asset "SVIX" nil)])]
                    [(filter (rsi {:window 10}) (select-top 1)
                     [(asset "SQQQ" nil)
                      (asset "TLT" nil)])])])])])])])])])])])])])])])])])])
    (group "520/22"
    [(if (> (rsi "QQQE" {:window 10}) 79)
     [(asset "UVXY" nil)]
     [(if (> (rsi "VTV" {:window 10}) 79)
      [(asset "UVXY" nil)]
      [(if (> (rsi "VOX" {:window 10}) 79)
       [(asset "UVXY" nil)]
       [(if (> (rsi "TECL" {:window 10}) 79)
        [(asset "UVXY" nil)]
        [(if (> (rsi "VOOG" {:window 10}) 79)
         [(asset "UVXY" nil)]
         [(if (> (rsi "VOOV" {:window 10}) 79)
          [(asset "UVXY" nil)]
          [(if (> (rsi "XLP" {:window 10}) 75)
           [(asset "UVXY" nil)]
           [(if (> (rsi "TQQQ" {:window 10}) 79)
            [(asset "UVXY" nil)]
            [(if (> (rsi "XLY" {:window 10}) 80)
             [(asset "UVXY" nil)]
             [(if (> (rsi "FAS" {:window 10}) 80)
              [(asset "UVXY" nil)]
              [(if (> (rsi "SPY" {:window 10}) 80)
               [(asset "UVXY" nil)]
               [(if (> (rsi "UVXY" {:window 21}) 65)
                [(if (> (rsi "SPY" {:window 21}) 30)
                 [(asset "VIXM" nil)]
                 [(asset "SPXL" nil)])]
                [(if (< (rsi "TQQQ" {:window 10}) 30)
                 [(asset "TECL" nil)]
                 [(if (< (rsi "SOXL" {:window 10}) 30)
                  [(asset "SOXL" nil)]
                  [(if (< (rsi "SPXL" {:window 10}) 30)
                   [(asset "SPXL" nil)]
                   [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                    [(filter (rsi {:window 10}) (select-bottom 1)
                     [(asset "TECL" nil)
                      (asset "SVIX" nil)])]
                    [(filter (stdev-return {:window 6}) (select-bottom 3)
                     [(asset "TMV" nil)
                      (asset "TMF" nil)
                      (asset "SVXY" nil)
                      (asset "VIXM" nil)
                      (asset "FTLS" nil)
                      (asset "KMLM" nil)
                      (asset "UUP" nil)])])])])])])])])])])])])])])])])])])
    (group "530/18"
    [(if (> (rsi "SPY" {:window 10}) 80)
     [(if (> (rsi "SPY" {:window 10}) 82.5)
      [(weight-specified
       2/3 (asset "UVXY" nil)
       1/3 (asset "VIXM" nil))]
      [(weight-equal
       [(asset "UVXY" nil)
        (asset "VXX" nil)
        (asset "VIXM" nil)])])]
     [(if (> (rsi "IOO" {:window 10}) 80)
      [(if (> (rsi "IOO" {:window 10}) 82.5)
       [(weight-specified
        2/3 (asset "UVXY" nil)
        1/3 (asset "VIXM" nil))]
       [(weight-equal
        [(asset "UVXY" nil)
         (asset "VXX" nil)
         (asset "VIXM" nil)])])]
      [(if (> (rsi "QQQ" {:window 10}) 79)
       [(if (> (rsi "QQQ" {:window 10}) 82.5)
        [(weight-specified
         2/3 (asset "UVXY" nil)
         1/3 (asset "VIXM" nil))]
        [(weight-equal
         [(asset "UVXY" nil)
          (asset "VXX" nil)
          (asset "VIXM" nil)])])]
       [(if (> (rsi "VTV" {:window 10}) 79)
        [(if (> (rsi "VTV" {:window 10}) 85)
         [(weight-equal
          [(asset "UVXY" nil)
           (asset "VXX" nil)
           (asset "VIXM" nil)])]
         [(weight-equal
          [(asset "VIXY" nil)
           (asset "VXX" nil)
           (asset "VIXM" nil)])])]
        [(if (> (rsi "XLP" {:window 10}) 77)
         [(if (> (rsi "XLP" {:window 10}) 85)
          [(weight-equal
           [(asset "UVXY" nil)
            (asset "VXX" nil)
            (asset "VIXM" nil)])]
          [(weight-equal
           [(asset "VIXY" nil)
            (asset "VXX" nil)
            (asset "VIXM" nil)])])]
         [(if (> (rsi "XLF" {:window 10}) 81)
          [(if (> (rsi "XLF" {:window 10}) 85)
           [(weight-equal
            [(asset "UVXY" nil)
             (asset "VXX" nil)
             (asset "VIXM" nil)])]
           [(weight-equal
            [(asset "VIXY" nil)
             (asset "VXX" nil)
             (asset "VIXM" nil)])])]
          [(if (> (rsi "RETL" {:window 10}) 82)
           [(if (> (rsi "RETL" {:window 10}) 85)
            [(weight-equal
             [(asset "VIXY" nil)
              (asset "VXX" nil)
              (asset "VIXM" nil)])]
            [(weight-equal
             [(asset "BTAL" nil)
              (asset "BIL" nil)])])]
           [(if (> (rsi "SPY" {:window 70}) 63)
            [(weight-equal
             [(if (> (rsi "AGG" {:window 15}) (rsi "QQQ" {:window 15}))
              [(weight-equal
               [(asset "TQQQ" nil)
                (asset "SPXL" nil)
                (asset "SOXL" nil)
                (asset "FNGU" nil)
                (asset "ERX" nil)])]
              [(weight-specified
               0.5 (asset "GLD" nil)
               0.25 (asset "SLV" nil)
               0.25 (asset "PDBC" nil))])
              (if (> (rsi "QQQ" {:window 90}) 60)
              [(asset "VIXY" nil)]
              [(if (> (rsi "QQQ" {:window 14}) 80)
               [(asset "VIXY" nil)]
               [(if (> (rsi "QQQ" {:window 5}) 90)
                [(asset "VIXY" nil)]
                [(if (> (rsi "QQQ" {:window 3}) 95)
                 [(asset "VIXY" nil)]
                 [(weight-specified
                  0.5 (asset "GLD" nil)
                  0.25 (asset "SLV" nil)
                  0.25 (asset "PDBC" nil))])])])])])]
            [(if (> (rsi "VOX" {:window 10}) 79)
             [(weight-equal
              [(asset "VIXY" nil)
               (asset "VXX" nil)
               (asset "VIXM" nil)])]
             [(if (> (rsi "XLP" {:window 10}) 75)
              [(weight-equal
               [(asset "VIXY" nil)
                (asset "VXX" nil)
                (asset "VIXM" nil)])]
              [(if (< (cumulative-return "TQQQ" {:window 6}) -12)
               [(if (> (cumulative-return "TQQQ" {:window 1}) 5.5)
                [(weight-equal
                 [(asset "UVXY" nil)
                  (asset "VXX" nil)
                  (asset "VIXM" nil)])]
                [(if (< (rsi "TQQQ" {:window 10}) 31)
                 [(asset "TECL" nil)]
                 [(if (< (rsi "SOXL" {:window 10}) 30)
                  [(asset "SOXL" nil)]
                  [(if (< (rsi "SPXL" {:window 10}) 30)
                   [(asset "SPXL" nil)]
                   [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                    [(filter (rsi {:window 10}) (select-bottom 1)
                     [(asset "TECL" nil)
                      (asset "SVXY" nil)
                      (group "half FNGU, half the leader"
                      [(weight-equal
                       [(asset "FNGU" nil)
                        (filter (moving-average-return {:window 20}) (select-top 1)
                        [(asset "FNGU" nil)
                         (asset "SPXL" nil)
                         (asset "XLE" nil)
                         (asset "XLK" nil)
                         (asset "AGG" nil)])])])])]
                    [(filter (stdev-return {:window 6}) (select-bottom 3)
                     [(asset "SVXY" nil)
                      (asset "VIXM" nil)
                      (asset "FTLS" nil)
                      (asset "KMLM" nil)
                      (asset "UUP" nil)])])])])])])]
               [(if (> (current-price "SPY") (moving-average-price "SPY" {:window 200}))
                [(if (< (moving-average-price "SPY" {:window 3}) (moving-average-price "SPY" {:window 200}))
                 [(filter (rsi {:window 10}) (select-top 2)
                  [(asset "TQQQ" nil)
                   (asset "SPXL" nil)
                   (asset "TMF" nil)])]
                 [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                  [(filter (rsi {:window 10}) (select-bottom 1)
                   [(asset "TECL" nil)
                    (asset "SVXY" nil)
                    (group "half FNGU, half the leader"
                    [(weight-equal
                     [(asset "FNGU" nil)
                      (filter (moving-average-return {:window 20}) (select-top 1)
                      [(asset "FNGU" nil)
                       (asset "SPXL" nil)
                       (asset "XLE" nil)
                       (asset "XLK" nil)
                       (asset "AGG" nil)])])])])]
                  [(filter (stdev-return {:window 6}) (select-bottom 3)
                   [(asset "SVXY" nil)
                    (asset "VIXM" nil)
                    (asset "FTLS" nil)
                    (asset "KMLM" nil)
                    (asset "UUP" nil)])])])]
                [(if (> (moving-average-price "SPY" {:window 3}) (moving-average-price "SPY" {:window 200}))
                 [(filter (rsi {:window 10}) (select-top 2)
                  [(asset "SQQQ" nil)
                   (asset "SPXU" nil)
                   (asset "TMF" nil)
                   (asset "TMV" nil)])]
                 [(if (< (rsi "QQQ" {:window 10}) 31)
                  [(asset "TECL" nil)]
                  [(if (< (rsi "SPY" {:window 10}) 30)
                   [(asset "UPRO" nil)]
                   [(if (< (cumulative-return "QQQ" {:window 60}) -12)
                    [(asset "BIL" nil)]
                    [(if (> (current-price "TQQQ") (moving-average-price "TQQQ" {:window 20}))
                     [(if (< (rsi "PSQ" {:window 10}) 32.5)
                      [(asset "PSQ" nil)]
                      [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                       [(filter (rsi {:window 10}) (select-bottom 1)
                        [(asset "TECL" nil)
                         (asset "SVXY" nil)
                         (group "half FNGU, half the leader"
                         [(weight-equal
                          [(asset "FNGU" nil)
                           (filter (moving-average-return {:window 20}) (select-top 1)
                           [(asset "FNGU" nil)
                            (asset "SPXL" nil)
                            (asset "XLE" nil)
                            (asset "XLK" nil)
                            (asset "AGG" nil)])])])])]
                       [(filter (stdev-return {:window 6}) (select-bottom 3)
                        [(asset "SVXY" nil)
                         (asset "VIXM" nil)
                         (asset "FTLS" nil)
                         (asset "KMLM" nil)
                         (asset "UUP" nil)])])])]
                     [(if (> (rsi "IEF" {:window 10}) (rsi "PSQ" {:window 20}))
                      [(asset "PSQ" nil)]
                      [(asset "QID" nil)])])])])])])])])])])])])])])])])])])])
    (group "410/38"
    [(if (> (rsi "QQQE" {:window 10}) 79)
     [(asset "UVXY" nil)]
     [(if (> (rsi "VTV" {:window 10}) 79)
      [(asset "UVXY" nil)]
      [(if (> (rsi "VOX" {:window 10}) 79)
       [(asset "UVXY" nil)]
       [(if (> (rsi "TECL" {:window 10}) 79)
        [(asset "UVXY" nil)]
        [(if (> (rsi "VOOG" {:window 10}) 79)
         [(asset "UVXY" nil)]
         [(if (> (rsi "VOOV" {:window 10}) 79)
          [(asset "UVXY" nil)]
          [(if (> (rsi "XLP" {:window 10}) 75)
           [(asset "UVXY" nil)]
           [(if (> (rsi "TQQQ" {:window 10}) 79)
            [(asset "UVXY" nil)]
            [(if (> (rsi "XLY" {:window 10}) 80)
             [(asset "UVXY" nil)]
             [(if (> (rsi "FAS" {:window 10}) 80)
              [(asset "UVXY" nil)]
              [(if (> (rsi "SPY" {:window 10}) 80)
               [(asset "UVXY" nil)]
               [(if (> (rsi "UVXY" {:window 21}) 65)
                [(if (> (rsi "SPY" {:window 21}) 30)
                 [(asset "VIXM" nil)]
                 [(asset "SPXL" nil)])]
                [(if (< (rsi "TQQQ" {:window 10}) 30)
                 [(asset "TECL" nil)]
                 [(if (< (rsi "SOXL" {:window 10}) 30)
                  [(asset "SOXL" nil)]
                  [(if (< (rsi "SPXL" {:window 10}) 30)
                   [(asset "SPXL" nil)]
                   [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                    [(asset "FNGU" nil)]
                    [(filter (stdev-return {:window 6}) (select-bottom 1)
                     [(asset "UUP" nil)
                      (asset "FTLS" nil)
                      (asset "KMLM" nil)])])])])])])])])])])])])])])])])])])
    (group "Nova"
    [(if (> (rsi "QQQE" {:window 10}) 79)
     [(asset "UVXY" nil)]
     [(if (> (rsi "VTV" {:window 10}) 79)
      [(asset "UVXY" nil)]
      [(if (> (rsi "VOX" {:window 10}) 79)
       [(asset "UVXY" nil)]
       [(if (> (rsi "TECL" {:window 10}) 79)
        [(asset "UVXY" nil)]
        [(if (> (rsi "VOOG" {:window 10}) 79)
         [(asset "UVXY" nil)]
         [(if (> (rsi "VOOV" {:window 10}) 79)
          [(asset "UVXY" nil)]
          [(if (> (rsi "XLP" {:window 10}) 75)
           [(asset "UVXY" nil)]
           [(if (> (rsi "TQQQ" {:window 10}) 79)
            [(asset "UVXY" nil)]
            [(if (> (rsi "XLY" {:window 10}) 80)
             [(asset "UVXY" nil)]
             [(if (> (rsi "FAS" {:window 10}) 80)
              [(asset "UVXY" nil)]
              [(if (> (rsi "SPY" {:window 10}) 80)
               [(asset "UVXY" nil)]
               [(if (> (rsi "UVIX" {:window 21}) 65)
                [(if (> (rsi "SPY" {:window 21}) 30)
                 [(asset "VIXM" nil)]
                 [(asset "SPXL" nil)])]
                [(if (< (rsi "TQQQ" {:window 10}) 30)
                 [(asset "TECL" nil)]
                 [(if (< (rsi "SOXL" {:window 10}) 30)
                  [(asset "SOXL" nil)]
                  [(if (< (rsi "SPXL" {:window 10}) 30)
                   [(asset "SPXL" nil)]
                   [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                    [(filter (rsi {:window 11}) (select-top 1)
                     [(asset "FNGO" nil)
                      (asset "TSLA" nil)
                      (asset "MSFT" nil)
                      (asset "AAPL" nil)
                      (asset "NVDA" nil)
                      (asset "GOOGL" nil)
                      (asset "AMZN" nil)])]
                    [(filter (stdev-return {:window 6}) (select-bottom 1)
                     [(asset "UUP" nil)
                      (asset "FTLS" nil)
                      (asset "KMLM" nil)])])])])])])])])])])])])])])])])])])
    (group "830/21"
    [(if (> (rsi "QQQE" {:window 10}) 79)
     [(asset "UVXY" nil)]
     [(if (> (rsi "VTV" {:window 10}) 79)
      [(asset "UVXY" nil)]
      [(if (> (rsi "VOX" {:window 10}) 79)
       [(asset "UVXY" nil)]
       [(if (> (rsi "TECL" {:window 10}) 79)
        [(asset "UVXY" nil)]
        [(if (> (rsi "VOOG" {:window 10}) 79)
         [(asset "UVXY" nil)]
         [(if (> (rsi "VOOV" {:window 10}) 79)
          [(asset "UVXY" nil)]
          [(if (> (rsi "XLP" {:window 10}) 75)
           [(asset "UVXY" nil)]
           [(if (> (rsi "TQQQ" {:window 10}) 79)
            [(asset "UVXY" nil)]
            [(if (> (rsi "XLY" {:window 10}) 80)
             [(asset "UVXY" nil)]
             [(if (> (rsi "FAS" {:window 10}) 80)
              [(asset "UVXY" nil)]
              [(if (> (rsi "SPY" {:window 10}) 80)
               [(asset "UVXY" nil)]
               [(if (> (rsi "UVXY" {:window 21}) 65)
                [(if (> (rsi "SPY" {:window 21}) 30)
                 [(asset "VIXM" nil)]
                 [(asset "SPXL" nil)])]
                [(if (< (rsi "TQQQ" {:window 10}) 30)
                 [(asset "TECL" nil)]
                 [(if (< (rsi "SOXL" {:window 10}) 30)
                  [(asset "SOXL" nil)]
                  [(if (< (rsi "SPXL" {:window 10}) 30)
                   [(asset "SPXL" nil)]
                   [(if (> (rsi "XLK" {:window 10}) (rsi "KMLM" {:window 10}))
                    [(filter (rsi {:window 10}) (select-top 1)
                     [(asset "TECL" nil)
                      (asset "SOXL" nil)
                      (asset "SVIX" nil)])]
                    [(if (> (moving-average-return "BND" {:window 20}) 0)
                     [(filter (rsi {:window 10}) (select-bottom 1)
                      [(asset "KMLM" nil)
                       (asset "SPLV" nil)])]
                     [(filter (rsi {:window 10}) (select-top 1)
                      [(asset "TLT" nil)
                       (asset "LABD" nil)
                       (asset "TZA" nil)])])])])])])])])])])])])])])])])])])])])]))
